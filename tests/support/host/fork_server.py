"""Programs that start in milliseconds: each is a fork of one process that has already imported what they need.

    with ForkServer(["thecal.cli.app"], environment) as server:
        done = server.run("thecal.cli.app:main", ["thecal", "find"], folder, environment)

Every program is a process of its own, with its own folder, environment, streams and exit. Only the start of the interpreter and
the imports are shared: what is set before them (PYTHONPATH, -W) belongs to the server.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

_MOST_BYTES = 65536
_FAR_TOO_LONG_S = 30.0  # beyond a program's own time limit: the server itself must have died


class ForkServer:
    """Import `preload` in a new interpreter started with `flags`, and fork programs from it until `close`.

    An entry "module:function" is called too, once for all programs: something that each of them would make again.
    """

    def __init__(self, preload: Sequence[str], environment: Mapping[str, str], flags: Sequence[str] = ()) -> None:
        self._control, theirs = socket.socketpair()
        self._lock = threading.Lock()
        command = [sys.executable, "-P", *flags, __file__, str(theirs.fileno()), *preload]
        self._process = subprocess.Popen(
            command, env={**environment}, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        theirs.close()

    def __enter__(self) -> ForkServer:
        return self

    def __exit__(self, *details: object) -> None:
        self.close()

    def close(self) -> None:
        self._control.close()
        self._process.wait()

    def run(
        self, target: str, words: Sequence[str], folder: Path, environment: Mapping[str, str], typed: str | None = None, timeout_s: int = 60
    ) -> subprocess.CompletedProcess[str]:
        """Call `target` ("module:function") in a fork with `words` as its sys.argv; wait for its end. Raises TimeoutExpired."""
        ours, theirs = socket.socketpair()
        request = {"target": target, "words": list(words), "folder": str(folder), "environment": {**environment}, "timeout_s": timeout_s}
        with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, ours:
            given.write((typed or "").encode())
            given.seek(0)
            with theirs, self._lock:
                descriptors = [theirs.fileno(), given.fileno(), out.fileno(), err.fileno()]
                line = json.dumps(request).encode() + b"\n"
                sent = socket.send_fds(self._control, [line], descriptors)
                self._control.sendall(line[sent:])
                if not self._control.recv(1):
                    raise ChildProcessError(f"the server of forks ended: {self._process.wait()}")
            ours.settimeout(timeout_s + _FAR_TOO_LONG_S)
            said = ours.recv(_MOST_BYTES)
            for stream in (out, err):
                stream.seek(0)
            told = [stream.read().decode(errors="replace") for stream in (out, err)]
        if not said:
            raise ChildProcessError(f"the server of forks ended: {told}")
        if int(said) == -signal.SIGALRM:
            raise subprocess.TimeoutExpired([*words], timeout_s, *told)
        return subprocess.CompletedProcess([*words], int(said), *told)


def fork() -> int:
    """Call os.fork without Python 3.12's warning about threads: no child here continues their work."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


# --- in the server ---------------------------------------------------------------------------------------------------------


def serve(control: socket.socket) -> dict | None:
    """Fork a child for every request. Returns its request in the child; None in the server after the last client."""
    woken, wake = socket.socketpair()
    wake.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *details: None)
    signal.set_wakeup_fd(wake.fileno())
    running: dict[int, int] = {}
    waiting = selectors.DefaultSelector()
    for each in (control, woken):
        waiting.register(each, selectors.EVENT_READ)
    while True:
        for key, _ in waiting.select():
            if key.fileobj is woken:
                woken.recv(_MOST_BYTES)
                _report_ended(running)
                continue
            line, descriptors, _, _ = socket.recv_fds(control, _MOST_BYTES, 4)
            if not line:
                waiting.close()
                woken.close()
                wake.close()
                return None
            while not line.endswith(b"\n"):
                line += control.recv(_MOST_BYTES)
            child = fork()
            if child == 0:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                waiting.close()
                woken.close()
                wake.close()
                for result in running.values():
                    os.close(result)
                for number, descriptor in enumerate(descriptors[1:]):
                    os.dup2(descriptor, number)
                for descriptor in descriptors:
                    os.close(descriptor)
                return json.loads(line)
            running[child] = descriptors[0]
            for descriptor in descriptors[1:]:
                os.close(descriptor)
            control.send(b".")


def _report_ended(running: dict[int, int]) -> None:
    """Report the exit code of each ended program to its client, negative for a signal."""
    for child in list(running):
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            result = running.pop(child)
            os.write(result, b"%d" % os.waitstatus_to_exitcode(status))
            os.close(result)


def main() -> object:
    """The life of the server, and of each child, which ends like any Python program."""
    control = socket.socket(fileno=int(sys.argv[1]))
    for name in sys.argv[2:]:
        module, _, function = name.partition(":")
        imported = importlib.import_module(module)
        if function:
            getattr(imported, function)()
    gc.freeze()  # children need not collect what they inherited
    request = serve(control)
    control.close()
    if request is None:
        return 0
    signal.alarm(request["timeout_s"])
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv = request["words"]
    module, name = request["target"].split(":")
    return getattr(importlib.import_module(module), name)()


if __name__ == "__main__":
    sys.exit(main())
