"""A kernel: the Python process of one context.

Reads requests from a socket and answers with events on the same socket. A request is one byte for its
kind (`x`: execute, `e`: environment), four bytes for its length (big-endian), and JSON. An answer is
events from `number_of_executions` to `end_of_execution`; the first event after the start is `ready`.
"""

import asyncio
import gc
import importlib
import json
import os
import shutil
import struct
import sys
import traceback

from .events import EventPipe, encoded
from .interruption import Interruption
from .streams import Output

HOME = "/home/user"
DATA_LIBRARIES = ["numpy", "pandas", "scipy", "matplotlib.pyplot", "e2b_charts"]
WARM_UP_CELLS = [
    "print(1)\n1 + 1",
    "1 / 0",
    "[{}]",
    "import pandas\npandas.DataFrame({'a': [1.5], 't': pandas.to_datetime(['2024-01-01'])})",
    "import matplotlib.pyplot as plt\nplt.plot([1, 2], label='x'); plt.title('t'); plt.legend(); plt.show()",
]
"""What is slow the first time: a traceback, a table, a picture with its chart."""


class Kernel:
    def __init__(self, descriptor):
        os.set_inheritable(descriptor, False)
        self._requests = os.fdopen(os.dup(descriptor), "rb")
        self._interruption = Interruption()
        self._interruption.install()
        self.events = EventPipe(descriptor, self._interruption)
        self.output = Output(self.events)
        from .shell import make_shell  # slow: IPython

        self.shell = make_shell(self.events, self.output)
        self._process = os.getpid()
        self._loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self._loop)

    def warm_up(self):
        """Import the data libraries, run what is slow the first time, and leave no trace of it."""
        for library in DATA_LIBRARIES:
            importlib.import_module(library)
        for cell in WARM_UP_CELLS:
            self.shell.run_cell(cell)
        self.shell.reset()
        self.shell.execution_count = 1
        gc.collect()
        gc.freeze()  # what was imported stays: the collector need not look at it again

    def serve(self):
        self.output.start()
        self.events.write(encoded({"type": "ready"}))
        while request := self._next_request():
            kind, content = request
            if kind == b"e":
                os.environ.update(content)
            else:
                self._answer(content)
            if os.getpid() != self._process or self.shell.exit_was_asked:
                break  # a forked child that ran off the end of its cell; or exit()
        os._exit(0)  # threads and exit handlers of user code are not waited for

    def _next_request(self):
        header = self._requests.read(5)
        if len(header) < 5:
            return None
        kind, length = struct.unpack(">cI", header)
        return kind, json.loads(self._requests.read(length))

    def _answer(self, request):
        self.output.open()
        self.events.send({"type": "number_of_executions", "execution_count": self.shell.execution_count})
        variables = request.get("env_vars") or {}
        before = {name: os.environ.get(name) for name in variables}
        os.environ.update(variables)
        self._interruption.install()
        self._run(request["code"])
        for name, value in before.items():
            restore_variable(name, value)
        self.output.close(last={"type": "end_of_execution"})

    def _run(self, code):
        """Run a cell inside a running event loop, as ipykernel does, so that it may use `await`."""
        task = self._loop.create_task(self._run_cell(code))
        while not task.done():
            try:
                self._loop.run_until_complete(task)
            except KeyboardInterrupt:
                task.cancel()  # interrupted in an `await`: the cell sees CancelledError

    async def _run_cell(self, code):
        shell = self.shell
        failure = None
        try:
            self._interruption.is_welcome = True
            result = await self._run_transformed(code)
            failure = result.error_before_exec or result.error_in_exec
        except BaseException as error:  # SystemExit from a hook, KeyboardInterrupt between two steps
            failure = error
        finally:
            self._interruption.is_welcome = False
        if failure is not None and not self.events.error_was_sent:
            # IPython prints some errors by itself (UsageError, ExceptionGroup) and shows no traceback.
            shell.send({"type": "error", "name": type(failure).__name__, "value": str(failure), "traceback": ""})

    async def _run_transformed(self, code):
        shell = self.shell
        preprocessing_failure = None
        transformed = code
        try:
            transformed = shell.transform_cell(code)
        except Exception:
            preprocessing_failure = sys.exc_info()
        arguments = {"transformed_cell": transformed, "preprocessing_exc_tuple": preprocessing_failure}
        if not shell.should_run_async(code, **arguments):
            return shell.run_cell(code, store_history=True)
        result = None
        try:
            result = await shell.run_cell_async(code, store_history=True, **arguments)
        finally:  # what run_cell does by itself
            shell.events.trigger("post_execute")
            shell.events.trigger("post_run_cell", result)
        return result


def restore_variable(name, value):
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value


def use_prepared_font_cache(directory):
    """matplotlib takes half a second to list the fonts; the server has listed them once."""
    configuration = os.environ.get("MPLCONFIGDIR")
    if configuration and os.path.isdir(directory):
        shutil.copytree(directory, configuration, dirs_exist_ok=True)


def change_directory(path):
    """A context in a directory that does not exist starts at home, as it does at E2B."""
    os.chdir(path if os.path.isdir(path) else HOME)


def main(descriptor, directory, mode):
    log = os.dup(2)  # from here on 2 is what cells print
    try:
        use_prepared_font_cache("/opt/runner/fonts")
        kernel = Kernel(int(descriptor))
        if mode == "warm":
            kernel.warm_up()
        change_directory(directory)
    except Exception:
        os.write(log, traceback.format_exc().encode())
        os._exit(1)
    os.close(log)
    kernel.serve()


if __name__ == "__main__":
    main(*sys.argv[1:])
