"""One rule broken on purpose: a row of `rules/*.toml`, applied to a copy of the tree, and the result of the test that it names."""

import json
import os
import shlex
import shutil
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from support.host.fork_server import ForkServer

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
PACKAGES = {"host": ("thecal",), "firmware": ("pumpcore", "app")}
FOLDERS = tuple(PACKAGES)
LONGEST_RUN_S = 180
# Imports of the tests that are not ours: the test processes are forked from one that has them.
LIBRARIES = (
    "pytest", "_pytest.unraisableexception", "_pytest.junitxml", "hypothesis", "hypothesis.strategies", "hypothesis.stateful", "typer",
    "pydantic", "pint", "tomlkit", "serial.tools.list_ports", "platformdirs", "wasmtime", "littlefs", "unittest.mock",
)  # fmt: skip
# The exceptions that prove something. Anything else (an import error, a typing slip) proves nothing.
CAUGHT = ("AssertionError", "Failed")


@dataclass(frozen=True)
class Mutation:
    """`old` occurs exactly once in `file`; with `new` in its place, `test` must fail, for the reason in `breaks`."""

    rule: str
    name: str
    file: str
    old: str
    new: str
    breaks: str
    test: str

    @property
    def folder(self) -> str:
        """The one of FOLDERS that contains the file: it is copied."""
        return self.file.split("/")[0]

    def mutated(self) -> str:
        """Return the file's text with the mutation. Raises ValueError if it no longer applies."""
        text = (ROOT / self.file).read_text(encoding="utf-8")
        times = text.count(self.old)
        if times != 1:
            raise ValueError(f"{self.rule} {self.name}: the old text stands {times} times in {self.file}, not once; write it anew")
        return text.replace(self.old, self.new)


@dataclass
class Outcome:
    """The result of a pytest run. `tests` by node id: the exception ("" if passed) and its rules; `files` by module."""

    code: int
    output: str
    tests: dict[str, dict] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)

    def of(self, node: str) -> list[dict]:
        """Return the rows of a test; several if it is parametrised."""
        return [row for name, row in self.tests.items() if name == node or name.startswith(node + "[")]

    def foreign_files(self, copy: Path, folder: str) -> list[str]:
        """Return modules of a copied folder that came from elsewhere. At least one module must come from it."""
        files = {name: Path(file) for name, file in self.files.items() if name.split(".")[0] in PACKAGES[folder]}
        return [f"{name}: {file}" for name, file in files.items() if not file.is_relative_to(copy)] if files else [f"nothing of {folder}"]


def load() -> list[Mutation]:
    """Return every mutation, in the order of the rules."""
    found = []
    for file in sorted((HERE / "rules").glob("*.toml")):
        table = tomllib.loads(file.read_text(encoding="utf-8"))
        found += [Mutation(table["rule"], **row) for row in table["mutation"]]
    return found


class Workshop:
    """A copy of the tree in which mutations are applied and undone in turn, and a server that runs tests against it."""

    def __init__(self, copy: Path) -> None:
        self.copy = copy
        for folder in FOLDERS:
            shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
        self._report = copy / "report.json"
        self._environment = _environment(self._report)
        self._server = ForkServer(LIBRARIES, self._environment)

    def close(self) -> None:
        self._server.close()

    @contextmanager
    def mutated(self, mutation: Mutation) -> Iterator[None]:
        """Apply the mutation inside the block and undo it afterwards. No compiled file is left over from either."""
        file = self.copy / mutation.file
        before = file.read_bytes()
        _write(file, mutation.mutated().encode())
        try:
            yield
        finally:
            _write(file, before)

    def run(self, nodes: list[str], timeout_s: int = LONGEST_RUN_S) -> Outcome:
        """Run `nodes` in a new process that imports our modules from the copy, and only the tests from here."""
        self._report.unlink(missing_ok=True)
        paths = [*(self.copy / folder for folder in FOLDERS), ROOT / "tests"]
        words = ["pytest", "-c", str(ROOT / "pyproject.toml"), "-p", "no:cacheprovider", "-p", "witness", "-q"]
        words += ["-o", "pythonpath=" + " ".join(shlex.quote(path.as_posix()) for path in paths), *nodes]
        done = self._server.run("pytest:main", words, ROOT, self._environment, timeout_s=timeout_s)
        said = json.loads(self._report.read_text(encoding="utf-8")) if self._report.is_file() else {"tests": {}, "files": {}}
        return Outcome(done.returncode, done.stdout + done.stderr, said["tests"], said["files"])


def _write(file: Path, data: bytes) -> None:
    """Write, and remove Python's compiled file: Python compares whole seconds and sizes, which two versions may share."""
    file.write_bytes(data)
    for compiled in (file.parent / "__pycache__").glob(f"{file.stem}.*.pyc"):
        compiled.unlink()


def _environment(report: Path) -> dict[str, str]:
    """Return this process's environment, without traces of another pytest."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "THECAL_"))}
    # with these, pytest explains a failed comparison at full length, which takes minutes for two flash images
    kept = {name: value for name, value in kept.items() if name not in ("CI", "BUILD_NUMBER")}
    # plug-ins cost half of the start; the tests need none
    kept["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    # compile the copy once, not for every mutation
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return kept | {"PYTHONPATH": str(HERE), "MUTATION_REPORT": str(report), "THECAL_HYPOTHESIS": "mutation"}
