"""Draw the README's terminal picture: type commands at a simulated pump and export what the terminal shows as SVG.

    PYTHONPATH=tests .venv/bin/python -m support.host.terminal_session

Writes `host/example-session.svg`. Needs a pseudo-terminal (Linux, macOS) and takes half a minute.
"""

import io
import os
import pty
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

from support.host.cli import ROOT, environment

PICTURE = ROOT / "host" / "example-session.svg"
COLUMNS = 104
START_LIMIT_S = 60
# The bolus takes 36 s, so `status` comes while it is delivered.
IN_THE_BOLUS_S = 12
PREPARED = ("thecal new rx.toml", "thecal program rx.toml --yes", "thecal start --zone Europe/Berlin")
SHOWN = ('thecal bolus "20 uL" --rate "2 mL/h"', "thecal status")
PROMPT = ("$ ", "bold green")
QUESTION = b"[y/N] "
# rich names a font on a server. Our picture must not fetch anything.
FONT_FACE = re.compile(r"\s*@font-face \{.*?\}\n", re.DOTALL)


def main() -> int:
    """Draw the picture again. Return the exit code."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        home = surroundings(folder)
        pump = subprocess.Popen(argv("thecal sim"), cwd=folder, env=home, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_until_found(folder, home)
            for command in PREPARED:
                typed(command, folder, home)
            console = recorded(folder, home)
        finally:
            pump.send_signal(signal.SIGINT)
            pump.wait(START_LIMIT_S)
    PICTURE.write_text(picture(console), encoding="utf-8")
    print(f"wrote {PICTURE.relative_to(ROOT)}")
    return 0


def surroundings(folder: Path) -> dict[str, str]:
    """Return an empty home and a terminal of COLUMNS: nothing of this machine is in the picture."""
    folders = ("HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR")
    for name in folders:
        (folder / name.lower()).mkdir()
    own = {name: str(folder / name.lower()) for name in folders}
    return {**environment(folder), **own, "COLUMNS": str(COLUMNS), "TERM": "xterm-256color"}


def argv(command: str) -> list[str]:
    return [sys.executable, "-m", *shlex.split(command)]


def wait_until_found(folder: Path, home: dict[str, str]) -> None:
    deadline_s = time.monotonic() + START_LIMIT_S
    while subprocess.run(argv("thecal find"), cwd=folder, env=home, capture_output=True, check=False).returncode:
        if time.monotonic() > deadline_s:
            raise SystemExit("no simulated pump was found")


def recorded(folder: Path, home: dict[str, str]) -> Console:
    """Type the commands of SHOWN one after the other; return the console that recorded them."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    for command in SHOWN:
        if command == SHOWN[-1]:
            time.sleep(IN_THE_BOLUS_S)
        console.print(Text.assemble(PROMPT, (command, "bold")))
        console.print(Text.from_ansi(typed(command, folder, home)))
    return console


def typed(command: str, folder: Path, home: dict[str, str]) -> str:
    """Return what a terminal shows of one command, with y for each question. Raises SystemExit if it fails."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(argv(command), cwd=folder, env=home, stdin=theirs, stdout=theirs, stderr=theirs, close_fds=True)
    os.close(theirs)
    shown = b""
    while True:
        try:
            piece = os.read(ours, 4096)
        except OSError:  # Linux reports the closed other end this way
            piece = b""
        if not piece:
            break
        shown += piece
        if piece.endswith(QUESTION):
            os.write(ours, b"y\n")
    os.close(ours)
    if process.wait(START_LIMIT_S):
        raise SystemExit(f"{command}: {shown.decode(errors='replace')}")
    return shown.decode("utf-8").replace("\r\n", "\n").rstrip("\n")


def picture(console: Console) -> str:
    """Return the recorded terminal as SVG, without a font to fetch."""
    drawn = console.export_svg(title="thecal", theme=MONOKAI, unique_id="thecal")
    return "\n".join(line.rstrip() for line in FONT_FACE.sub("", drawn).splitlines()) + "\n"


if __name__ == "__main__":
    sys.exit(main())
