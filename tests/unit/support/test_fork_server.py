"""Programs forked from a server behave like programs in a fresh interpreter."""

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.host.fork_server import ForkServer

PROGRAMS = """
import os, signal, sys, time
times = []
def says():
    times.append(1)
    print(sys.argv, os.path.realpath("."), sys.stdin.read(), os.environ.get("MARK"), os.environ.get("OTHER"), len(times))
    print("on the other stream", file=sys.stderr)
    return 3
def raises(): raise ValueError("planted")
def exits(): sys.exit("said at the end")
def dies(): os.kill(os.getpid(), signal.SIGKILL)
def waits(): time.sleep(60)
def waits_a_little():
    time.sleep(2)
    return 4
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("programs")
    (folder / "planted_programs.py").write_text(PROGRAMS)
    return {"PYTHONPATH": str(folder), "OTHER": "of the server"}


@pytest.fixture(scope="module")
def server(environment: dict[str, str]) -> Iterator[ForkServer]:
    with ForkServer(["planted_programs"], environment) as started:
        yield started


def run(server: ForkServer, name: str, folder: Path, **options: object) -> subprocess.CompletedProcess[str]:
    return server.run(f"planted_programs:{name}", ["program", "a word"], folder, {"MARK": "here"}, **options)


def test_a_program_has_its_words_folder_environment_and_streams_and_nothing_of_the_one_before(server: ForkServer, tmp_path: Path) -> None:
    for typed in ("two\nlines", None):
        done = run(server, "says", tmp_path, typed=typed)
        assert done.returncode == 3
        assert done.stdout == f"['program', 'a word'] {os.path.realpath(tmp_path)} {typed or ''} here None 1\n"
        assert done.stderr == "on the other stream\n"


def test_it_ends_as_any_program_does(server: ForkServer, tmp_path: Path) -> None:
    raised = run(server, "raises", tmp_path)
    assert raised.returncode == 1 and raised.stderr.endswith("ValueError: planted\n")
    said = run(server, "exits", tmp_path)
    assert (said.returncode, said.stderr) == (1, "said at the end\n")
    assert run(server, "dies", tmp_path).returncode == -signal.SIGKILL


def test_one_that_takes_too_long_is_ended(server: ForkServer, tmp_path: Path) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        run(server, "waits", tmp_path, timeout_s=1)


def test_two_run_at_the_same_time(server: ForkServer, tmp_path: Path) -> None:
    ended: list[int] = []
    waiting = threading.Thread(target=lambda: ended.append(run(server, "waits_a_little", tmp_path).returncode))
    waiting.start()
    assert run(server, "says", tmp_path).returncode == 3
    assert ended == [], "the first one is still running"
    waiting.join()
    assert ended == [4]


def test_a_library_that_is_missing_is_said_at_once(environment: dict[str, str], tmp_path: Path) -> None:
    with ForkServer(["planted_nowhere"], environment) as broken, pytest.raises((ChildProcessError, ConnectionError)):
        run(broken, "says", tmp_path)
