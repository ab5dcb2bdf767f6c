"""A firmware of one page on the real hal: it evaluates its input, so that a test can try each part of the simulator."""

import json
from pathlib import Path

from thecal.files.bench import read_bench
from thecal.files.resources import firmware_folder, hardware_folder
from thecal.sim.guest.image import format_image
from thecal.sim.runner import SimulatedPump

CLOCK = hardware_folder() / "sim-clock.toml"
NO_CLOCK = hardware_folder() / "sim-noclock.toml"

MAIN = b"""
import json, time
from hal.sim.board import Board

b = Board()
line = b""
while not b.link.closed:
    b.link.wait(60_000)
    line += b.link.read()
    while b"\\n" in line:
        end = line.index(b"\\n")
        text, line = line[:end].decode(), line[end + 1:]
        if text:
            try:
                if text[:1] == "!":
                    exec(text[1:].replace("; ", "\\n"))
                    answer = None
                else:
                    answer = eval(text)
            except Exception as error:
                answer = repr(error)
            b.link.write(json.dumps(answer).encode() + b"\\n")
"""


def image(main: bytes = MAIN, extra: dict[str, bytes] | None = None) -> bytes:
    """Return a flash with the real hal and this main.py."""
    folder = firmware_folder()
    files = {"/" + file.relative_to(folder).as_posix(): file.read_bytes() for file in sorted((folder / "hal").rglob("*.py"))}
    return format_image({**files, "/main.py": main, **(extra or {})})


def pump(bench: Path = CLOCK, seed: int = 1, main: bytes = MAIN, **options: object) -> SimulatedPump:
    """Return a pump in virtual time with the small firmware, unless the options say otherwise."""
    if "speed" not in options:
        options["virtual"] = True
    options.setdefault("image", image(main))
    return SimulatedPump(read_bench(bench), seed, **options)


def ask(target: SimulatedPump, text: str) -> object:
    """Evaluate an expression (with `!` in front: execute statements) in the pump, at the present time."""
    target.write(text.encode() + b"\n")
    target.wait_until_idle()
    return json.loads(target.read())
