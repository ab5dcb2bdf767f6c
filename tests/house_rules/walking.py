"""Type the documents' commands: an empty home, commands one after the other, pumps in the background."""

import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from support.host.cli import server

Runner = Callable[[str, dict[str, str], Path, str], subprocess.CompletedProcess[str]]
# Examples that fail on a healthy simulated pump: there is no board, and no alarm to acknowledge.
ENDS = {
    "thecal flash --bench tmc2209-peristaltic01": 3,
    "thecal ack power_lost": 1,
    "thecal characterise --balance /dev/ttyUSB0 --rate \"5 mL/h\"": 3,
    # The example's program has no line to prime and no reservoir.
    "thecal prime --rate \"2 mL/h\"": 1,
    "thecal bridge --yes": 1,
    "thecal refill --measured \"3.1 mL\" --filled \"16 mL\"": 1,
}
# Generous on purpose: they end a hang, they measure nothing.
START_LIMIT_S = 60
COMMAND_LIMIT_S = 120


def words(command: str) -> list[str]:
    return [sys.executable, "-m", *shlex.split(command.removesuffix("&"))]


def forked(command: str, home: dict[str, str], folder: Path, answers: str = "", limit_s: int = COMMAND_LIMIT_S):
    """Run one command to its end, forked from a process that has imported the tool. Return its subprocess.CompletedProcess."""
    return server().run("thecal.cli.app:main", shlex.split(command), folder, home, answers, limit_s)


def stop(process: subprocess.Popen[str]) -> str:
    """Press Ctrl-C, like a person; return the output."""
    process.send_signal(signal.SIGINT)
    try:
        output, _ = process.communicate(timeout=START_LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return output


def launch(command: str, home: dict[str, str], folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        words(command), cwd=folder, env=home, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def wait_until_found(pump: subprocess.Popen[str], home: dict[str, str], folder: Path) -> None:
    """Wait until the simulated pump in the background has booted."""
    deadline_s = time.monotonic() + START_LIMIT_S
    while forked("thecal find", home, folder).returncode:
        assert pump.poll() is None, pump.communicate()[0]
        assert time.monotonic() < deadline_s, "no simulated pump was found"
        time.sleep(0.1)


def started(command: str, home: dict[str, str], folder: Path, answers: str) -> subprocess.CompletedProcess[str]:
    """Run one command to its end as a newcomer's shell does: with an interpreter of its own."""
    return subprocess.run(
        words(command), cwd=folder, env=home, input=answers, capture_output=True, text=True, timeout=COMMAND_LIMIT_S, check=False
    )


def walk(
    commands: list[str], home: dict[str, str], folder: Path, background: list[subprocess.Popen[str]], run: Runner = started
) -> dict[str, int]:
    """Type the commands one after the other, answering yes; return the exit code of each. `run`: `forked` is several times faster."""
    codes = {}
    for command in commands:
        if command.split()[1] == "sim":
            background.append(launch(command, home, folder))
            wait_until_found(background[-1], home, folder)
        elif command.split()[1] in ("watch", "serve"):
            watching = launch(command, home, folder)
            first_line = watching.stdout.readline()
            assert watching.poll() is None, first_line + watching.communicate()[0]
            assert "Traceback" not in stop(watching)
        else:
            done = run(command, home, folder, "y\n" * 9)
            assert "Traceback" not in done.stderr
            assert done.returncode == ENDS.get(command, 0), f"{command}\n{done.stdout}{done.stderr}"
            codes[command] = done.returncode
    return codes
