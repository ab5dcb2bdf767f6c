"""thecal installed from its wheel, without a network: an environment that has what the wheel asks for and nothing else of this machine."""

import functools
import os
import subprocess
import sys
import venv
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[3]
LIMIT_S = 120


def build(folder: Path) -> Path:
    """Build the wheel into `folder`; return its file. The back end is a test requirement, so nothing is fetched."""
    arguments = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(arguments, cwd=ROOT, check=True, capture_output=True, timeout=LIMIT_S)
    return next(folder.glob("thecal-*.whl"))


def requirements_of(found: Distribution, extras: tuple[str, ...] = ()) -> list[Requirement]:
    """Return what a distribution asks for here, with these extras."""
    asked = [Requirement(text) for text in found.requires or ()]
    return [one for one in asked if one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in ("", *extras))]


def closure(asked: list[Requirement]) -> dict[str, Distribution]:
    """Return the installed distributions that these requirements bring, by canonical name."""
    found: dict[str, Distribution] = {}
    waiting = list(asked)
    while waiting:
        one = waiting.pop()
        name = canonicalize_name(one.name)
        if name not in found:
            found[name] = distribution(one.name)
            waiting += requirements_of(found[name], tuple(one.extras))
    return found


def link(distributions: dict[str, Distribution], folder: Path) -> None:
    """Make `folder` look like a site-packages that has just these distributions."""
    folder.mkdir()
    for found in distributions.values():
        for top in {file.parts[0] for file in found.files or ()} - {"..", "__pycache__"}:
            there = Path(str(found.locate_file(top)))
            if there.suffix != ".pth" and not (folder / top).exists():
                (folder / top).symlink_to(there)


class Installed:
    """A virtual environment in `folder` with the wheel installed by pip, and next to it the distributions that the wheel asks for."""

    def __init__(self, wheel: Path, folder: Path) -> None:
        self.prefix = folder / "venv"
        self.bin = self.prefix / ("Scripts" if os.name == "nt" else "bin")
        venv.create(self.prefix, with_pip=False, symlinks=os.name != "nt")
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "--python", str(self.bin / "python")]
        words = ["install", "--no-deps", "--no-index", "--no-compile", str(wheel)]
        subprocess.run([*pip, *words], check=True, capture_output=True, timeout=LIMIT_S)
        (self.site,) = self.prefix.glob("lib/python*/site-packages")
        (own,) = self.site.glob("thecal-*.dist-info")
        self.brought = closure(requirements_of(Distribution.at(own)))
        link(self.brought, folder / "brought")
        (self.site / "brought.pth").write_text(f"{folder / 'brought'}\n")
        self.home = folder / "home"
        self.home.mkdir()

    @functools.cached_property
    def environment(self) -> dict[str, str]:
        """Return an environment with an empty home, and without a path to the checkout."""
        dropped = ("THECAL_", "PYTHON", "XDG_", "VIRTUAL_ENV", "COLUMNS", "COV_", "PYTEST_")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
        own = {"HOME": str(self.home), "THECAL_RUNTIME": str(self.home / "runtime"), "NO_COLOR": "1"}
        return {**inherited, **own, "PATH": f"{self.bin}{os.pathsep}{inherited['PATH']}"}

    def run(self, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        """Run the installed `thecal` in the empty home to its end; it must end with `code`."""
        done = subprocess.run(
            [str(self.bin / "thecal"), *words], cwd=self.home, env=self.environment, input="", capture_output=True, text=True,
            timeout=LIMIT_S, check=False,
        )  # fmt: skip
        assert "Traceback" not in done.stderr, done.stderr
        assert done.returncode == code, (words, done.stdout, done.stderr)
        return done

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start the installed `thecal`; the caller ends it."""
        return subprocess.Popen(
            [str(self.bin / "thecal"), *words], cwd=self.home, env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
