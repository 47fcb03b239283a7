// Swift 6.3.1 takes `stat` for CDispatch's now and then, depending on which files it compiles together.
import CDispatch
import Glibc

/// What the file system says of a file.
struct FileStatus: Equatable {
    let device: UInt64
    let inode: UInt64
    /// In bytes.
    let size: Int
    let modifiedSeconds: Int
    let modifiedNanoseconds: Int
    /// Who may do what, the last nine bits.
    let permissions: UInt32

    /// `nil` if nothing is there, or it cannot be looked at; `errno` then says why.
    init?(of path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        size = Int(status.st_size)
        modifiedSeconds = status.st_mtim.tv_sec
        modifiedNanoseconds = status.st_mtim.tv_nsec
        permissions = status.st_mode & 0o777
    }
}
