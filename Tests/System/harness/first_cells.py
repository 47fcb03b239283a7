"""Runs each cell as the first of a fresh ipykernel, and tells what came of it as E2B's server would.

A program for the Python of an environment with ipykernel and jupyter_client: a JSON list of texts on standard input,
a JSON list of answers on standard output. An answer is a list of events: output of one stream in a row is one event.
Its argument is a folder of libraries that the cells find behind the environment's own.
"""

import contextlib
import json
import os
import pathlib
import queue
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor

PATIENCE_SECONDS = 60
AT_ONCE = 4


class Nursery:
    """Forks kernels off one process that has imported what they need, which is nine tenths of their start."""

    def __init__(self, libraries):
        ours, theirs = socket.socketpair()
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-P", __file__, "nursery", libraries, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdout=subprocess.DEVNULL,
        )
        theirs.close()
        self._socket = ours

    def kernel(self, folder):
        """The process of a kernel that reads `folder/connection.json` and works in `folder/work`."""
        with self._lock:
            self._socket.sendall(folder.encode() + b"\n")
            return struct.unpack("i", self._socket.recv(4, socket.MSG_WAITALL))[0]

    def close(self):
        self._socket.close()
        self._process.wait()


def serve_nursery(libraries, descriptor):
    sys.path.append(libraries)
    import numpy  # noqa: F401
    from ipykernel.kernelapp import IPKernelApp

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    orders = socket.socket(fileno=descriptor)
    for folder in orders.makefile():
        folder = folder.rstrip("\n")
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.close(descriptor)
            os.chdir(f"{folder}/work")
            os.environ["IPYTHONDIR"] = f"{folder}/ipython"
            sys.argv = ["kernel"]
            kernel = IPKernelApp.instance()
            kernel.initialize(["-f", f"{folder}/connection.json"])
            kernel.start()
            os._exit(0)
        orders.sendall(struct.pack("i", child))


class Answer:
    """What a cell's messages are at E2B: its server passes on these kinds, and reports a failure once."""

    def __init__(self):
        self.events = []

    def take(self, message):
        kind, content = message["header"]["msg_type"], message["content"]
        if kind == "stream":
            last = self.events[-1] if self.events else None
            if last and last["type"] == content["name"]:
                last["text"] += content["text"]
            else:
                self.events.append({"type": content["name"], "text": content["text"]})
        elif kind in ("display_data", "execute_result"):
            count = content.get("execution_count")
            self.events.append({"type": kind, "data": content["data"], "execution_count": count})
        elif kind == "error":
            self._fail(content)

    def take_reply(self, reply):
        if reply["content"]["status"] != "ok" and not any(event["type"] == "error" for event in self.events):
            self._fail(reply["content"])
        self.events.append({"type": "reply", "status": reply["content"]["status"]})

    def _fail(self, content):
        traceback = "".join(content["traceback"])
        self.events.append({"type": "error", "name": content["ename"], "value": content["evalue"], "traceback": traceback})


def run(nursery, cell):
    from jupyter_client.blocking import BlockingKernelClient
    from jupyter_client.connect import write_connection_file

    with tempfile.TemporaryDirectory(prefix="first-cell-") as folder:
        os.mkdir(f"{folder}/work")
        connection = f"{folder}/connection.json"
        write_connection_file(connection, transport="ipc", ip=f"{folder}/s")
        client = BlockingKernelClient(connection_file=connection)
        client.load_connection_file()
        process = nursery.kernel(folder)
        try:
            client.start_channels(hb=False)
            listen(client)
            return answer(client, cell)
        except queue.Empty:
            return [{"type": "silence"}]
        finally:
            client.stop_channels()
            with contextlib.suppress(ProcessLookupError):  # a cell may end its kernel
                os.kill(process, signal.SIGKILL)


def listen(client):
    """Until the kernel's messages arrive: what is published before that is lost."""
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        client.kernel_info()
        try:
            client.get_iopub_msg(timeout=0.2)
            break
        except queue.Empty:
            pass
    else:
        raise TimeoutError("the kernel does not answer")
    client.get_shell_msg(timeout=PATIENCE_SECONDS)


def answer(client, cell):
    request = client.execute(cell, allow_stdin=False)
    result = Answer()
    while True:
        message = client.get_iopub_msg(timeout=PATIENCE_SECONDS)
        if message["parent_header"].get("msg_id") != request:
            continue
        if message["header"]["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
            break
        result.take(message)
    while (reply := client.get_shell_msg(timeout=PATIENCE_SECONDS))["parent_header"].get("msg_id") != request:
        pass
    result.take_reply(reply)
    return result.events


def main():
    cells = json.load(sys.stdin)
    nursery = Nursery(sys.argv[1])
    with ThreadPoolExecutor(AT_ONCE) as workers:
        answers = list(workers.map(lambda cell: run(nursery, cell), cells))
    nursery.close()
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    if sys.argv[1:2] == ["nursery"]:
        serve_nursery(sys.argv[2], int(sys.argv[3]))
    else:
        main()
