"""The way of a prescription and of a bolus through the host: its functions, in the order of their first call.

`python tests/house_rules/ways.py prescription|bolus` runs `thecal program FILE --yes`, or `thecal bolus VOLUME --rate RATE --yes`, in this
process on a simulated pump. A line is a function that another file calls; `+3` counts the functions of its own file below it, all helpers.
`--tree FOLDER` walks through another checkout.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from importlib import import_module
from inspect import CO_OPTIMIZED
from io import StringIO
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
HERE = ("host/thecal/", "firmware/pumpcore/")  # what runs on the laptop; the pump's own calls run in its interpreter
RX = 'title = "night"\ndrug = "water"\non_clock_loss = "stop"\nafter_power_loss = "stop"\n[basal]\nrate = "1 mL/h"\n'
ORDER = ("bolus", "0.1 mL", "--rate", "2 mL/h", "--yes")
PROGRAM = ("program", "rx.toml", "--yes")
WAYS = {"prescription": PROGRAM, "bolus": ORDER}
# the verb itself too, so that every module is imported when the way begins
BEFORE = {"prescription": (("program", "other.toml", "--yes"),), "bolus": (PROGRAM, ("start",), (*ORDER, "--dry-run"))}


@dataclass
class Step:
    """A function first called by another file; `helpers`: functions of its own file that were first called below it."""

    file: str
    name: str
    helpers: list[str] = field(default_factory=list)

    def room(self) -> str:
        return "pumpcore" if self.file.startswith(HERE[1]) else self.file.removeprefix(HERE[0]).split("/")[0].removesuffix(".py")


class Walk:
    """Note each function of a tree at its first call, while set as the profiler of this thread."""

    def __init__(self, tree: Path) -> None:
        self.tree = f"{tree.resolve()}{os.sep}"
        self.steps: list[Step] = []
        self._seen: dict[CodeType, Step | None] = {}

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and frame.f_code not in self._seen:
            self._seen[frame.f_code] = self._step(frame)

    def _step(self, frame: FrameType) -> Step | None:
        file, name = self._file(frame), frame.f_code.co_qualname
        if file is None or "<" in name.replace("<locals>", "") or not frame.f_code.co_flags & CO_OPTIMIZED:
            return None  # the body of a class or a module too
        caller = frame.f_back
        while caller is not None and self._file(caller) is None:
            caller = caller.f_back
        above = self._seen.get(caller.f_code) if caller is not None and self._file(caller) == file else None
        if "<locals>" in name:  # a closure: the function that made it is listed
            return above or next((step for step in reversed(self.steps) if step.file == file), None)
        if above is not None:
            above.helpers.append(name)
            return above
        self.steps.append(Step(file, name.removesuffix(".__init__")))
        return self.steps[-1]

    def _file(self, frame: FrameType) -> str | None:
        path = frame.f_code.co_filename
        file = path.removeprefix(self.tree).replace(os.sep, "/") if path.startswith(self.tree) else ""
        return file if file.startswith(HERE) else None


def walked(tree: Path, run: Callable[[], object]) -> list[Step]:
    """Return the steps of a call."""
    walk = Walk(tree)
    sys.setprofile(walk)
    try:
        run()
    finally:
        sys.setprofile(None)
    return walk.steps


def described(steps: list[Step]) -> str:
    """Return one line per function, and a last line with the counts."""
    lines = []
    for step in steps:
        helpers = f" +{len(step.helpers)}" if step.helpers else ""
        lines.append(f"{step.room():14}{step.file.split('/', 2)[2]}: {step.name}{helpers}")
    helpers, files, rooms = sum(len(step.helpers) for step in steps), {step.file for step in steps}, {step.room() for step in steps}
    return "\n".join([*lines, f"{len(steps)} functions and {helpers} helpers in {len(files)} files of {len(rooms)} rooms"])


@contextmanager
def pump(tree: Path, folder: Path) -> Iterator[str]:
    """Yield the socket of a simulated pump of this tree."""
    paths = os.pathsep.join(str(tree / name) for name in ("host", "firmware"))
    environment = {**os.environ, "PYTHONPATH": paths, "HOME": str(folder)}
    words = [sys.executable, "-m", "thecal", "sim", "--json", "--image", str(folder / "flash")]
    process = subprocess.Popen(words, env=environment, cwd=folder, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["socket"]
    finally:
        process.terminate()
        process.communicate(timeout=30)


def verb(entry: Callable[[], object], *words: str) -> None:
    """Run one command line in this process. Raises RuntimeError with its output if it fails."""
    said, sys.argv = StringIO(), ["thecal", *words]
    try:
        with redirect_stdout(said), redirect_stderr(said):
            entry()
    except SystemExit as end:
        if end.code:
            raise RuntimeError(f"thecal {' '.join(words)}: {said.getvalue()}") from None


def way(name: str, tree: Path = ROOT) -> list[Step]:
    """Return the steps of `prescription` or `bolus`."""
    sys.path[:0] = [str(tree / "host"), str(tree / "firmware")]
    entry = import_module("thecal.cli.app" if (tree / "host/thecal/cli/app.py").exists() else "thecal.cli").main
    with tempfile.TemporaryDirectory() as folder, pump(tree, Path(folder)) as port_url:
        (Path(folder) / "rx.toml").write_text(RX)
        (Path(folder) / "other.toml").write_text(RX.replace("1 mL/h", "2 mL/h"))
        words = [[os.path.join(folder, word) if word.endswith(".toml") else word for word in row] for row in (*BEFORE[name], WAYS[name])]
        for row in words[:-1]:
            verb(entry, *row, "--port", port_url)
        return walked(tree, lambda: verb(entry, *words[-1], "--port", port_url))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("way", choices=list(WAYS))
    parser.add_argument("--tree", type=Path, default=ROOT)
    asked = parser.parse_args()
    print(described(way(asked.way, asked.tree.resolve())))
