"""The lines of README.md that install the wheel, typed as they stand: `make wheel`, uvx, pipx and pip."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from house_rules import readme
from house_rules.making import make

COMMANDS = [command for command in readme.commands(readme.readme()) if "dist/" in command]
LIMIT_S = 300
BIN = Path(sys.executable).parent


def command_of(tool: str) -> str:
    (found,) = [command for command in COMMANDS if command.split()[0] == tool]
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `dist/`, in which `make wheel` has built the wheel."""
    found = tmp_path_factory.mktemp("newcomer")
    # The environment that runs these tests has all that `make` would install.
    stamp = f"{sys.prefix}/.installed"
    done = make("wheel", f"VENV={sys.prefix}", f"DIST={found / 'dist'}", "--old-file", stamp, "--old-file", str(BIN / "python"))
    assert done.returncode == 0, done.stderr
    return found


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A home without an installation of thecal, and the tools that the lines name."""
    home = tmp_path_factory.mktemp("home")
    own = ("THECAL_", "XDG_", "PYTHON", "PIPX_", "VIRTUAL_ENV")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(own)}
    return {**inherited, "HOME": str(home), "THECAL_RUNTIME": str(home / "runtime"), "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}


def typed(command: str, folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Type a line in a shell; it must succeed."""
    done = subprocess.run(["sh", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def the_main_job_works(thecal: str, folder: Path, environment: dict[str, str]) -> None:
    """`thecal` is how this installation is typed."""
    typed(f"{thecal} new rx.toml", folder, environment)
    typed(f"{thecal} program rx.toml --dry-run --bench sim-clock", folder, environment)
    line = typed(f"{thecal} forecast rx.toml --offline --png out.png 2>&1 || true", folder, environment).stdout
    assert "matplotlib" in line, "no installation brings it by itself"
    (folder / "rx.toml").unlink()


def test_make_wheel_leaves_one_wheel(folder: Path) -> None:
    assert [file.suffix for file in (folder / "dist").iterdir()] == [".whl"]
    assert [command.split()[0] for command in COMMANDS] == ["uvx", "pipx", "pip"]


def test_make_wheel_fetches_only_the_back_end() -> None:
    plan = make("-n", "wheel", "VENV=/nonexistent/venv").stdout
    assert "install --constraint constraints.txt hatchling" in plan and "[test]" not in plan


@pytest.mark.long
def test_uvx_runs_a_pump_from_the_wheel(folder: Path, environment: dict[str, str]) -> None:
    line = command_of("uvx")
    the_main_job_works(line.removesuffix(" sim"), folder, environment)
    pump = subprocess.Popen(
        ["sh", "-c", line], cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    try:
        assert any("Ctrl-C" in text for text in pump.stdout)
        assert "running" in typed(f"{line.removesuffix(' sim')} run '1 mL/h' --drug water --yes && {line.removesuffix(' sim')} status",
                                  folder, environment).stdout  # fmt: skip
    finally:
        os.killpg(pump.pid, signal.SIGINT)
        pump.communicate(timeout=LIMIT_S)


@pytest.mark.long
def test_pipx_installs_the_wheel(folder: Path, environment: dict[str, str]) -> None:
    typed(command_of("pipx"), folder, environment)
    thecal = Path(environment["HOME"], ".local", "bin", "thecal")
    the_main_job_works(str(thecal), folder, environment)
    named = typed(f"{thecal} report --png x.png 2>&1 || true", folder, environment).stdout
    assert "`pipx inject thecal matplotlib`" in named


@pytest.mark.long
def test_pip_installs_the_wheel_and_the_named_command_adds_the_pictures(folder: Path, environment: dict[str, str]) -> None:
    """In a new virtual environment, as a person who activated it."""
    home = Path(environment["HOME"])
    typed(f"{sys.executable} -m venv {home / 'venv'}", folder, environment)
    activated = {**environment, "PATH": f"{home / 'venv' / 'bin'}{os.pathsep}{environment['PATH']}"}
    typed(command_of("pip"), folder, activated)
    the_main_job_works("thecal", folder, activated)
    named = typed("thecal report --png x.png 2>&1 || true", folder, activated).stdout
    command = " ".join(named.split()).split("`")[1]
    assert command.startswith(f"{home / 'venv' / 'bin' / 'python'}") and command.endswith(" -m pip install matplotlib")
    typed(command, folder, activated)
    typed("thecal new rx.toml && thecal forecast rx.toml --offline --png out.png", folder, activated)
    assert (folder / "out.png").read_bytes().startswith(b"\x89PNG")
