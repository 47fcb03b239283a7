"""Pieces of code whose outcome tells whether they ran as the first cell of a fresh kernel."""

SNIPPETS = {
    "names": """\
print(sorted(globals()), sorted(locals()), dir())
print(__name__, globals() is locals(), __builtins__)""",
    "history": """\
import json
sh=get_ipython()
h=sh.history_manager
h.writeout_cache()
print(In, Out, _ih, _i, _ii, _iii, _i1, _, __, ___, sh.execution_count, h.input_hist_raw, list(h.get_range(0)), [list(r) for r in h.db.execute('select line from history')])
print(sorted(n for n in dir() if n.startswith('_')))""",
    "out2": """\
x = 3
get_ipython().displayhook.prompt_count, x""",
    "magic-history": "%history",
    "cell-magic": """\
%%time
x=1
print(x)""",
    "bash": """\
%%bash
echo a; exit 3""",
    "capture": """\
%%capture out
print(1)
2""",
    "await": """\
import asyncio
await asyncio.sleep(0.01)
print('x')
5""",
    "await-error": """\
import asyncio
async def f():
    await asyncio.sleep(0)
    1/0
await f()""",
    "async-for": """\
async def g():
    yield 1
async for x in g():
    print(x)
[x async for x in g()]""",
    "asyncio-run": """\
import asyncio
async def f(): return 1
asyncio.run(f())""",
    "loop": """\
import asyncio
loop=asyncio.get_running_loop()
print(loop.is_running())
t=asyncio.ensure_future(asyncio.sleep(0,5))
await t""",
    "create-task-sync": """\
import asyncio
t=asyncio.ensure_future(asyncio.sleep(0))
print(t.done())""",
    "interrupt-main": """\
import _thread, threading
threading.Timer(0.3,_thread.interrupt_main).start()
while True: pass""",
    "interrupt-raise": """\
import signal
print(signal.getsignal(signal.SIGINT))
signal.raise_signal(signal.SIGINT)
print('after')""",
    "interrupt-await": """\
import signal, asyncio, threading, os
threading.Timer(0.3,lambda: os.kill(os.getpid(), signal.SIGINT)).start()
await asyncio.sleep(20)""",
    "interrupt-sleep": """\
import signal, time, threading, os
threading.Timer(0.3,lambda: os.kill(os.getpid(), signal.SIGINT)).start()
try:
    time.sleep(20)
except KeyboardInterrupt:
    print('interrupted')""",
    "system-exit": """\
import sys
print(1)
sys.exit(3)""",
    "exit": "exit",
    "syntax": """\
x = (1,
print(2""",
    "syntax2": """\
print(1)
return 5""",
    "syntax4": """\
await = 5
x = yield""",
    "indent": """\
if True:
print(1)""",
    "tab": "if 1:\n\tprint(1)\n        print(2)",
    "bad-magic": """\
%%nosuch
x""",
    "usage-error": "%timeit",
    "shell": """\
!echo hi
x=!echo there
print(x)""",
    "help": "print?",
    "semicolon": "3;",
    "underscore": """\
print(_)
5""",
    "multi": """\
1
2
3""",
    "display": """\
from IPython.display import display, HTML
display(HTML('<b>x</b>'))
display(1)
HTML('<i>')""",
    "plot": """\
import matplotlib.pyplot as plt
plt.plot([1,2])""",
    "plot-await": """\
import matplotlib.pyplot as plt, asyncio
plt.plot([1,2])
await asyncio.sleep(0)
print('z')""",
    "plot-error": """\
import matplotlib.pyplot as plt
plt.plot([1,2])
1/0""",
    "hooks": """\
sh=get_ipython()
def post(): print('post', sh.execution_count, sh.last_execution_result.info.raw_cell[:20])
def postrun(r): print('postrun', r.info.raw_cell[:10], r.result, r.success, r.execution_count)
sh.events.register('post_execute', post)
sh.events.register('post_run_cell', postrun)
sh.events.register('pre_execute', lambda: print('pre'))
41+1""",
    "hooks-error": """\
sh=get_ipython()
def postrun(r): print('postrun', r.info.raw_cell[:10], repr(r.error_in_exec), r.success, r.execution_count)
sh.events.register('post_run_cell', postrun)
1/0""",
    "nested-store": """\
r = get_ipython().run_cell('1+1', store_history=True)
print(In, get_ipython().execution_count)
7""",
    "reset": """\
x=5
%reset -f
print('x' in globals(), In)
6""",
    "chain": """\
try:
    1/0
except Exception as e:
    raise ValueError('x') from e""",
    "noctx": """\
import sys
print(sys.exc_info())
try:
    raise ValueError
except ValueError as e:
    print(e.__context__, e.__traceback__.tb_frame.f_code.co_name, e.__traceback__.tb_next)""",
    "str-raises": """\
class E(Exception):
    def __str__(self): print('str'); return 'E!'
raise E""",
    "render": """\
class E(Exception):
    def _render_traceback_(self): print('rendered'); return ['one','two']
raise E""",
    "exception-group": "raise ExceptionGroup('g',[ValueError(1), TypeError(2)])",
    "base-exc": """\
class B(BaseException): pass
raise B('x')""",
    "cancelled": """\
import asyncio
raise asyncio.CancelledError('x')""",
    "keyboard": "raise KeyboardInterrupt",
    "custom-exc": """\
get_ipython().set_custom_exc((ZeroDivisionError,), lambda self, et, v, tb, tb_offset=None: print('custom', et))
1/0""",
    "future": """\
from __future__ import annotations
def f(x: nosuch): pass
print(f.__annotations__)""",
    "input": "x=input('q')",
    "stderr": """\
import sys
print('a', file=sys.stderr)
print('b')""",
    "warn": """\
import warnings
warnings.warn('careful')
warnings.warn('more', DeprecationWarning)""",
    "warn-func": """\
import warnings
def f(): warnings.warn('deep', stacklevel=2)
f()""",
    "inspect": """\
import inspect
def f(a):
    # comment
    return a
print(inspect.getsource(f), inspect.getfile(f))""",
    "inspect-class": """\
import inspect
class A:
    x=1
print(inspect.getsource(A))""",
    "dataclass": """\
from dataclasses import dataclass
@dataclass
class P:
    x: int
P(3)""",
    "thread-raise": """\
import threading
t=threading.Thread(target=lambda: 1/0)
t.start(); t.join()""",
    "recursion-depth": """\
def f(n): return 0 if n == 0 else f(n-1)
f(500)
print('fine')""",
    "linecache": """\
import linecache
print([v[2] for v in linecache.cache.values() if len(v)==4 and 'ipykernel' in str(v[3])])""",
    "code-name": "print(__import__('sys')._getframe().f_code.co_filename.split('/')[-1])",
    "logging": """\
import logging
logging.warning('w')
logging.getLogger('x').error('e')""",
    "crlf": "a=1\r\nb=2\r\nprint(a,b)\r\n1/0",
    "comment": "# nothing",
    "indented": "    x=1\n    print(x)",
    "prompts": """\
>>> x=1
>>> x+1""",
    "unicode": "print('é漢😀\u2028x\x85')\n'ü'",
    "big": "#" + "x" * 300_000 + "\nprint(1)\n1 / 0",
    "env": """\
import os
print(os.environ.get('MPLBACKEND'), 'GatewaySetupFailure' in dir(__builtins__))""",
    "load-ext": """\
%load_ext autoreload
%autoreload 2
print(1)""",
    "time-await": """\
import asyncio
%time await asyncio.sleep(0)""",
    "tb-mode": """\
%xmode Plain
1/0""",
    "interactivity": """\
get_ipython().ast_node_interactivity='all'
1
2""",
    "widgets": """\
get_ipython().set_next_input('x')
get_ipython().ask_exit()
3""",
    "settrace": """\
import sys
print(sys.gettrace(), sys.getprofile(), sys.getrecursionlimit(), sys.flags, sys.argv)""",
    "contextvars": """\
import contextvars
v=contextvars.ContextVar('v')
v.set(1)
print(v.get())""",
}
