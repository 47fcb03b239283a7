"""IPython, in this process, with its results and errors turned into events."""

import ast
import builtins
import contextlib
import getpass
import os
import sys
import zlib

from IPython.core.compilerop import CachingCompiler
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets import Type
from traitlets.config import Config

from . import displays

LARGE_CELL = 128 << 10
"""Characters from which a cell of plain Python skips IPython's tokenizers: 160 instead of 400 ms for 7 MB."""


class StdinNotImplementedError(NotImplementedError):
    pass


def refuse_input(prompt="", stream=None):
    __tracebackhide__ = True
    raise StdinNotImplementedError("raw_input was called, but this frontend does not support input requests.")


class MainResultHook(DisplayHook):
    """The value of a cell's last expression."""

    def start_displayhook(self):
        self._representations = {}

    def write_output_prompt(self):
        pass

    def write_format_data(self, format_dict, md_dict=None):
        self._representations = format_dict

    def finish_displayhook(self):
        if self._representations:
            self.shell.send(displays.result_event(self._representations, is_main_result=True))


class DisplayedResults(DisplayPublisher):
    """What a cell displays by itself. Updates and clears are dropped, as E2B drops them."""

    def publish(self, data, metadata=None, *, transient=None, update=False, **options):
        if not update:
            self.shell.send(displays.result_event(data, is_main_result=False))

    def clear_output(self, wait=False):
        self.shell.output.flush()


class Compiler(CachingCompiler):
    """Names cells like ipykernel, whose names show in warnings."""

    def get_code_name(self, raw_code, transformed_code, number):
        checksum = zlib.crc32(transformed_code.encode("utf-8", "replace"))
        return f"/tmp/ipykernel_{os.getpid()}/{checksum}.py"


class Shell(InteractiveShell):
    displayhook_class = Type(MainResultHook)
    display_pub_class = Type(DisplayedResults)
    compiler_class = Type(Compiler)

    def send(self, event):
        """Send an event after everything that was printed before it."""
        self.output.flush()
        self.event_pipe.send(event)

    def _showtraceback(self, etype, evalue, stb):
        self.send({"type": "error", "name": etype.__name__, "value": str(evalue), "traceback": "".join(stb)})

    def transform_cell(self, raw_cell):
        """IPython's magics and `!` and `?`; none of them is Python, so what parses as Python holds none."""
        if len(raw_cell) >= LARGE_CELL and not raw_cell[0].isspace() and is_python(raw_cell):
            return raw_cell if raw_cell.endswith("\n") else raw_cell + "\n"
        return super().transform_cell(raw_cell)

    @contextlib.contextmanager
    def _tee(self, channel):
        """IPython keeps a copy of all output for a history nobody asks for; a long output would fill the memory."""
        yield

    def ask_exit(self):
        self.exit_was_asked = True

    def enable_gui(self, gui=None):
        pass

    def init_io(self):
        pass


def is_python(code):
    try:
        compile(code, "<cell>", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        return True
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return False


def make_shell(events, output):
    """The one shell of this process."""
    configuration = Config()
    configuration.HistoryManager.enabled = False
    configuration.InteractiveShell.colors = "nocolor"
    configuration.PlainTextFormatter.max_seq_length = 0
    # As ipykernel does: programs that cells start should print colours and never wait for a pager.
    os.environ.update(
        MPLBACKEND="module://matplotlib_inline.backend_inline",
        FORCE_COLOR="1",
        CLICOLOR="1",
        CLICOLOR_FORCE="1",
        TERM="xterm-color",
        PAGER="cat",
        GIT_PAGER="cat",
    )
    shell = Shell.instance(config=configuration)
    shell.event_pipe = events
    shell.output = output
    shell.exit_was_asked = False
    shell.builtin_trap.activate()
    shell.display_trap.hook = shell.displayhook
    shell.set_hook("show_in_pager", lambda *text, **options: None, 0)
    builtins.input = getpass.getpass = refuse_input
    displays.install(shell)
    sys.path[0] = ""  # from here on: the context's own directory
    return shell
