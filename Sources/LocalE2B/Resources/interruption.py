"""SIGINT as KeyboardInterrupt, but only where user code runs."""

import signal
import threading


class Interruption:
    """Decides what becomes of a SIGINT.

    `with interruption:` shields a block that must run to its end: a handler that raised between two
    writes of one event would leave half a line in the pipe, and one that raised while a lock is being
    taken might leave it taken. The interrupt is then raised when the block ends.
    """

    def __init__(self):
        self.is_welcome = False
        """Whether user code runs. A SIGINT that comes later than the cell it was meant for is dropped."""
        self._depth = 0
        self._is_pending = False

    def install(self):
        """To be called before every cell: the one before may have installed a handler of its own."""
        self._is_pending = False
        signal.signal(signal.SIGINT, self._signalled)

    def _signalled(self, number, frame):
        if not self.is_welcome:
            return
        if self._depth > 0:
            self._is_pending = True
        else:
            raise KeyboardInterrupt

    # Python runs signal handlers in the main thread only, so only there is anything to shield.

    def __enter__(self):
        if threading.current_thread() is threading.main_thread():
            self._depth += 1

    def __exit__(self, *failure):
        if threading.current_thread() is not threading.main_thread():
            return
        self._depth -= 1
        if self._depth == 0 and self._is_pending:
            self._is_pending = False
            raise KeyboardInterrupt
