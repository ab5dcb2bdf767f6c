"""Find the programs that have a port open: on Linux from /proc; other systems name none."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
NAMED = 3
NAME_LETTERS = 40
PSEUDO_MAJORS = range(136, 144)  # /dev/pts
# the device that opens the master's side of a pseudo-terminal
PTMX = os.makedev(5, 2) if hasattr(os, "makedev") else -1


@dataclass(frozen=True)
class Holder:
    """A process that has the port open. `name`: its program, for `thecal` with the verb."""

    pid: int
    name: str


def holders(port_url: str) -> list[Holder]:
    """Return the other processes that have this port open, by process number. Only root sees the processes of other users."""
    try:
        port = os.stat(port_url)
    except OSError:  # a URL, or the port is gone
        return []
    if not stat.S_ISCHR(port.st_mode) or not PROC.is_dir():
        return []
    pids = sorted(int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit() and int(entry.name) != os.getpid())
    found = [Holder(pid, name_of(pid)) for pid in pids if _has_open(pid, port)]
    return [holder for holder in found if _has_open(holder.pid, port)]  # still: the name is that of the process that has it open


def described(found: list[Holder]) -> str:
    """Name them in a sentence: "thecal calibrate (pid 12) and flock (pid 13)"; "another program" if the system names none."""
    if not found:
        return "another program"
    named = [f"{holder.name} (pid {holder.pid})" for holder in found[:NAMED]]
    if len(found) > NAMED:
        named.append(f"{len(found) - NAMED} more")
    return " and ".join([", ".join(named[:-1]), named[-1]] if len(named) > 1 else named)


def name_of(pid: int) -> str:
    """Return the program's name; for a script the script's, for `thecal` with the verb. Never its options: they may be private."""
    try:
        words = [word.decode(errors="replace") for word in (PROC / str(pid) / "cmdline").read_bytes().split(b"\0")]
    except OSError:
        words = []
    program = os.path.basename(words[0]) if words else ""
    if program.startswith("python"):
        program = " ".join(_script(words[1:])) or program
    return program[:NAME_LETTERS] or "a program"


def _script(words: list[str]) -> list[str]:
    """Return what Python runs: a file's or a module's name, and for `thecal` the verb."""
    for index, word in enumerate(words):
        if word == "-c":
            return []
        if word and not word.startswith("-") and (index == 0 or words[index - 1] not in ("-W", "-X")):
            name = os.path.basename(word)
            return [name, *(verb for verb in words[index + 1 : index + 2] if verb.isalpha())] if name == "thecal" else [name]
    return []


def _has_open(pid: int, port: os.stat_result) -> bool:
    """Return True if the process is a client of the device. The process that serves the other end of a pseudo-terminal (a simulator) is
    none."""
    found = False
    try:
        for entry in (PROC / str(pid) / "fd").iterdir():
            status = _status(entry)
            if status is None or not stat.S_ISCHR(status.st_mode):
                continue
            if status.st_rdev == PTMX and f"tty-index:\t{os.minor(port.st_rdev)}\n" in _facts(pid, entry.name):
                return False
            found = found or is_port(status, port)
    except OSError:  # it ended, or is another user's
        return False
    return found


def is_port(opened: os.stat_result, port: os.stat_result) -> bool:
    """Return True if an open file is the port. The number alone does not prove it for a pseudo-terminal: it may be reused after the far
    end has gone (the file is then deleted, and keeps the number), and a container counts its own from 0."""
    if opened.st_rdev != port.st_rdev or not opened.st_nlink:
        return False
    return os.major(port.st_rdev) not in PSEUDO_MAJORS or os.path.samestat(opened, port)


def _status(entry: Path) -> os.stat_result | None:
    """Return the target of an open file; None if it was closed meanwhile."""
    try:
        return entry.stat()
    except OSError:
        return None


def _facts(pid: int, number: str) -> str:
    try:
        return (PROC / str(pid) / "fdinfo" / number).read_text()
    except OSError:
        return ""
