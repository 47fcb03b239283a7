"""The first process of a sandbox: starts, interrupts and kills its kernels, and hands requests to envd.

Reads packets of JSON from a socket (descriptor 3): {"do": "start", "context", "directory", "mode"} with
the kernel's own socket attached; {"do": "interrupt" | "kill", "context"}; {"do": "serve"} with the socket
of a request to envd attached. Answers nothing: the server learns of a death because a socket ends.
"""

import json
import os
import select
import signal
import socket
import subprocess
import sys

CONTROL = 3
LARGEST_PACKET = 64 << 10


class Supervisor:
    def __init__(self):
        self._control = socket.socket(fileno=CONTROL)
        self._kernels = {}
        """context -> (process, socket)"""
        self._envd = None
        """(process, socket) as soon as a request has come"""

    def run(self):
        signals = signals_as_descriptor()
        while True:
            readable, _, _ = select.select([self._control, signals], [], [])
            if signals in readable:
                os.read(signals, 4096)
                self._reap()
            if self._control in readable and not self._obey():
                return

    def _obey(self):
        """One order; false when there will be no more, because the server is gone."""
        packet, descriptors, _, _ = socket.recv_fds(self._control, LARGEST_PACKET, 1)
        if not packet:
            return False
        order = json.loads(packet)
        if order["do"] == "start":
            self._start(order, descriptors[0])
        elif order["do"] == "serve":
            self._hand_over(descriptors[0])
        else:
            self._signal(order["context"], signal.SIGINT if order["do"] == "interrupt" else signal.SIGKILL)
        return True

    def _start(self, order, descriptor):
        command = [sys.executable, "-m", "e2b_runner.kernel", str(descriptor), order["directory"], order["mode"]]
        kernel_socket = socket.socket(fileno=descriptor)
        try:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=[descriptor], start_new_session=True)
        except OSError:  # user code has used up the processes: the server sees the socket end
            kernel_socket.close()
            return
        self._kernels[order["context"]] = (process, kernel_socket)

    def _hand_over(self, descriptor):
        """Give a request to envd, which is started for the first one, and again if user code has ended it."""
        for _ in range(2):
            try:
                if self._envd is None:
                    self._start_envd()
                socket.send_fds(self._envd[1], [b"r"], [descriptor], socket.MSG_DONTWAIT)
                break
            except BlockingIOError:  # it was stopped, or there are no more processes: the request's socket ends
                break
            except OSError:
                self._forget_envd()
        os.close(descriptor)

    def _start_envd(self):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # -S: it needs the standard library only, and is there sooner without looking for more.
        command = [sys.executable, "-S", "-m", "e2b_runner.envd.server", str(theirs.fileno())]
        with theirs:
            try:
                process = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()], start_new_session=True
                )
            except OSError:
                ours.close()
                raise
        self._envd = (process, ours)

    def _forget_envd(self):
        if self._envd:
            self._envd[1].close()
            self._envd = None

    def _signal(self, context, number):
        if kernel := self._kernels.get(context):
            try:
                os.killpg(kernel[0].pid, number)
            except ProcessLookupError:
                pass

    def _reap(self):
        """Take leave of every process that ended: kernels, and what they left behind."""
        while True:
            try:
                pid, _ = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            self._ended(pid)

    def _ended(self, pid):
        if self._envd and self._envd[0].pid == pid:
            self._forget_envd()
        for context, (process, kernel_socket) in list(self._kernels.items()):
            if process.pid == pid:
                # Closing is not enough: a child that the kernel forked may hold the socket, too.
                kernel_socket.shutdown(socket.SHUT_RDWR)
                kernel_socket.close()
                del self._kernels[context]


def signals_as_descriptor():
    """A pipe that is readable after a signal. User code has the same user id: nothing it sends may end us."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, lambda number, frame: None)
    return reader


if __name__ == "__main__":
    Supervisor().run()
