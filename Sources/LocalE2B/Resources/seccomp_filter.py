"""Writes the sandboxes' system call filter, as bubblewrap's --seccomp takes it. Needs Debian's python3-seccomp.

Everything is allowed except what is listed here: what reaches the kernel's rarely used corners, what makes
new namespaces, what reads another process, and memory that no limit counts. Other architectures' system
calls (x32, i386) end the process.
"""

import errno
import sys

import seccomp

REFUSED = """
    mount umount2 pivot_root chroot move_mount open_tree fsopen fsconfig fsmount fspick mount_setattr
    setns unshare sethostname setdomainname
    ptrace process_vm_readv process_vm_writev process_madvise kcmp pidfd_getfd
    add_key request_key keyctl
    bpf perf_event_open userfaultfd seccomp landlock_create_ruleset
    io_uring_setup io_uring_enter io_uring_register
    kexec_load kexec_file_load init_module finit_module delete_module create_module
    open_by_handle_at name_to_handle_at quotactl quotactl_fd acct swapon swapoff reboot syslog
    iopl ioperm modify_ldt personality vhangup nfsservctl lookup_dcookie
    settimeofday clock_settime clock_adjtime adjtimex
    mknod mknodat fanotify_init vmsplice
    memfd_create memfd_secret shmget shmat shmctl msgget semget mq_open
    mbind migrate_pages move_pages set_mempolicy ioprio_set sched_setscheduler sched_setattr
""".split()

NEW_NAMESPACES = [0x80, 0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000]
"""Flags of clone(2): CLONE_NEWTIME, NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET."""

UNIX, INET, INET6 = 1, 2, 10
"""The socket families that are allowed: the network namespace confines them, and AF_VSOCK for one it does not."""

TERMINAL_INJECTION = [0x5412, 0x541C]
"""Requests of ioctl(2): TIOCSTI, TIOCLINUX."""


def make_filter():
    rules = seccomp.SyscallFilter(seccomp.ALLOW)
    refuse = seccomp.ERRNO(errno.EPERM)
    for name in REFUSED:
        try:
            rules.add_rule(refuse, name)
        except RuntimeError:
            pass  # not a system call of this architecture
    # Its flags lie in memory, where a filter cannot look; the C library then falls back to clone().
    rules.add_rule(seccomp.ERRNO(errno.ENOSYS), "clone3")
    for flag in NEW_NAMESPACES:
        rules.add_rule(refuse, "clone", seccomp.Arg(0, seccomp.MASKED_EQ, flag, flag))
    no_such_family = seccomp.ERRNO(errno.EAFNOSUPPORT)
    for family in range(INET6):
        if family not in (UNIX, INET):
            rules.add_rule(no_such_family, "socket", seccomp.Arg(0, seccomp.EQ, family))
    rules.add_rule(no_such_family, "socket", seccomp.Arg(0, seccomp.GT, INET6))
    for request in TERMINAL_INJECTION:
        rules.add_rule(refuse, "ioctl", seccomp.Arg(1, seccomp.MASKED_EQ, 0xFFFFFFFF, request))
    return rules


if __name__ == "__main__":
    with open(sys.argv[1], "wb") as file:
        make_filter().export_bpf(file)
