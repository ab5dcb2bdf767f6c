"""A board at its MicroPython prompt, reached through `mpremote`: look, copy, fetch, remove, reset."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby, takewhile
from pathlib import Path
from posixpath import dirname

from thecal.deploy import on_board, survey, told
from thecal.deploy.files import MANIFEST_PATH
from thecal.deploy.runner import SILENT, Heard, Runner
from thecal.errors import Failed, LinkLost, ThecalError
from thecal.pump.transport.link import Link
from thecal.terminal.console import Progress

NEW = ".new"  # suffix of a file that has not arrived completely

Moved = Callable[[str, int], None]  # called with the path of the copied file and the number of its bytes so far


@contextmanager
def copying(label: str, sizes_bytes: dict[str, int]) -> Iterator[Moved]:
    """Return a progress bar for copies of files with these sizes, by their path on the board, in copying order."""
    progress, total_bytes = Progress(label), sum(sizes_bytes.values())

    def moved(path: str, done_bytes: int) -> None:
        before = takewhile(lambda each: each != path, sizes_bytes)
        progress.update(sum(sizes_bytes[each] for each in before) + done_bytes, total_bytes)

    try:
        yield moved
    finally:
        progress.close()


class Board:
    """A board; each method is one run of mpremote. Raises LinkLost if the board has gone, Failed if it refuses."""

    def __init__(self, port_url: str, runner: Runner) -> None:
        self.port_url = port_url
        self._runner = runner

    def survey(self) -> survey.Survey:
        """Survey the board; read only."""
        try:
            return survey.parse(self._exec(on_board.survey(survey.HASHED)))
        except ValueError as error:
            raise Failed(f"the board on {self.port_url} sent an unreadable list of files ({error})", "try again") from None

    def prepare(self, folders: Sequence[str]) -> None:
        """Remove the manifest, then make the folders."""
        self._exec(on_board.prepare(MANIFEST_PATH, folders))

    def copy(self, folder: Path, paths: Iterable[str], moved: Moved) -> None:
        """Copy the files below `folder` to the same absolute paths, whose folders exist: each completely, then move all into place at once,
        so that a cut leaves the old files.

        Without mpremote's own hash check of each (-f): the survey has found those that differ.
        """
        names = [path[1:] + NEW for path in paths]
        words: list[str] = []
        for target, group in groupby(names, dirname):
            words += ["+", "fs", "cp", "-f", *group, f":/{target}"]
        self._move(words, names, lambda name, done_bytes: moved("/" + name.removesuffix(NEW), done_bytes), folder)
        if names:
            self._exec(on_board.rename([("/" + name, "/" + name.removesuffix(NEW)) for name in names]))

    def fetch(self, paths: Iterable[str], folder: Path, moved: Moved) -> None:
        """Copy files of the board to the same paths below `folder`."""
        words: list[str] = []
        names = [":" + path for path in paths]
        for source, group in groupby(names, dirname):
            target = folder / source[2:]
            target.mkdir(parents=True, exist_ok=True)
            words += ["+", "fs", "cp", *group, str(target)]
        self._move(words, names, lambda name, done_bytes: moved(name[1:], done_bytes), None)

    def remove(self, files: Sequence[str], folders: Sequence[str]) -> None:
        self._exec(on_board.remove(files, folders))

    def put(self, local: Path, path: str) -> None:
        """Write one file, in place."""
        self._run(["fs", "cp", str(local), f":{path}"], lambda line: None)

    def publish(self, manifest: Path) -> None:
        """Write the manifest under another name, and move it into place when complete."""
        self.put(manifest, MANIFEST_PATH + NEW)
        self._exec(on_board.rename([(MANIFEST_PATH + NEW, MANIFEST_PATH)]))

    def reset(self) -> None:
        """Reset: main.py runs again."""
        self._run(["reset"], lambda line: None)

    def _move(self, words: list[str], names: list[str], moved: Moved, folder: Path | None) -> None:
        """Run copies, and report each file as mpremote names it."""
        waiting, present = list(names), ""

        def heard(line: str) -> None:
            nonlocal present
            done_bytes = told.parse(line)
            if waiting and line.startswith(f"cp {waiting[0]} "):
                present, done_bytes = waiting.pop(0), 0
            if present and done_bytes is not None:
                moved(present, done_bytes)

        if words:
            self._run(words[1:], heard, folder)

    def _exec(self, text: str) -> list[str]:
        """Return a text's own lines, without the mark in front. Raises Failed if it did not reach its end."""
        said: list[str] = []

        def heard(line: str) -> None:
            if line.startswith(on_board.SAYS):
                said.append(line[len(on_board.SAYS) :].strip())

        self._run(["exec", text], heard)
        if not said or said.pop() != on_board.DONE:
            raise Failed(f"the board on {self.port_url} did not finish its command", "try again")
        return said

    def _run(self, words: Sequence[str], heard: Heard, folder: Path | None = None) -> None:
        lines: list[str] = []

        def listen(line: str) -> None:
            lines.extend([line] if told.parse(line) is None else [])
            heard(line)

        code = self._runner(["connect", self.port_url, *words], listen, folder)
        if code:
            raise self._why(code, next((line for line in reversed(lines) if line.strip()), ""))

    def _why(self, code: int, last_line: str) -> ThecalError:
        """Distinguish a cut link from a refusal by the port: mpremote's exit code is 1 for both."""
        if code == SILENT:
            return LinkLost(f"the board on {self.port_url} fell silent", "check the cable and power, and flash again")
        try:
            Link(self.port_url).close()
        except ThecalError as error:
            return LinkLost(f"the link to the board broke ({error.cause})", "plug the cable in and flash again")
        return Failed(f"mpremote could not go on: {last_line.strip()[:200] or f'exit code {code}'}", "flash again")
