"""The wheel: its content, that it works without the checkout, and that the pins cover the requirements."""

import importlib
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import thecal
from support.host.installed import build
from thecal.files import resources

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
# The printed parts have an environment of their own, with versions of their own.
EXTRAS = {name: needed for name, needed in PROJECT["optional-dependencies"].items() if name != "cad"}
EVERY_REQUIREMENT = [*PROJECT["dependencies"], *(requirement for needed in EXTRAS.values() for requirement in needed)]
LATE = ("matplotlib", "pint", "jinja2", "wasmtime", "littlefs", "numpy", "mpremote", "keyring")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def unpacked(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder like site-packages after a plain install of the wheel."""
    folder = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def python_there(folder: Path | str, code: str, cwd: Path) -> str:
    """Return the output of `code` in a fresh interpreter that finds our packages first in `folder`."""
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([sys.executable, "-c", code], cwd=cwd, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def files_below(folder: Path) -> set[str]:
    found = (file for file in folder.rglob("*") if file.is_file() and "__pycache__" not in file.parts)
    return {file.relative_to(folder).as_posix() for file in found}


def test_the_wheel_brings_the_manual_page(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith("share/man/man1/thecal.1")]
        assert archive.read(name) == (ROOT / "host" / "thecal.1").read_bytes()


def test_the_wheel_brings_both_licences(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for name in ("LICENSE", "hardware/LICENSE"):
            (inside,) = [path for path in archive.namelist() if path.endswith(f".dist-info/licenses/{name}")]
            assert archive.read(inside) == (ROOT / name).read_bytes()


def test_the_checkout_is_found_in_an_editable_install() -> None:
    assert resources.firmware_folder() == ROOT / "firmware"
    assert resources.hardware_folder() == ROOT / "hardware"


def test_the_wheel_carries_every_firmware_and_bench_file_byte_by_byte(unpacked: Path) -> None:
    """All but the printed parts, which are 3 MB."""
    for inside, folder in (("thecal/_firmware", "firmware"), ("thecal/_hardware", "hardware"), ("pumpcore", "firmware/pumpcore")):
        names = {name for name in files_below(ROOT / folder) if folder != "hardware" or not name.startswith("cad/")}
        assert names
        assert files_below(unpacked / inside) == names
        for name in names:
            assert (unpacked / inside / name).read_bytes() == (ROOT / folder / name).read_bytes(), name


def test_the_wheel_carries_the_host_and_nothing_generated(unpacked: Path, wheel: Path) -> None:
    """Whatever lies below host/thecal: a template, a page with its scripts, a licence, a marker like py.typed."""
    host = files_below(ROOT / "host" / "thecal")
    assert {"data/new.toml", "data/report.html"} < host
    assert {name for name in files_below(unpacked / "thecal") if name.split("/")[0] not in ("_firmware", "_hardware")} == host
    for name in host:
        assert (unpacked / "thecal" / name).read_bytes() == (ROOT / "host" / "thecal" / name).read_bytes(), name
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    tops = {name.split("/")[0] for name in names}
    named = f"thecal-{PROJECT['version']}"
    assert tops == {"thecal", "pumpcore", f"{named}.dist-info", f"{named}.data"}  # the last has the manual page
    assert not [name for name in names if name.endswith(".pyc") or "__pycache__" in name]


def test_from_the_wheel_the_folders_are_found_without_the_checkout(unpacked: Path, tmp_path: Path) -> None:
    code = "from thecal.files import resources as r; print(r.firmware_folder(), r.hardware_folder())"
    firmware, hardware = python_there(unpacked, code, tmp_path).split()
    assert Path(firmware) == unpacked / "thecal" / "_firmware"
    assert Path(hardware) == unpacked / "thecal" / "_hardware"


def test_from_the_wheel_pumpcore_imports_and_brings_its_protocol(unpacked: Path, tmp_path: Path) -> None:
    where = Path(python_there(unpacked, "import pumpcore.wire as w; print(w.__file__)", tmp_path)).parent
    assert where == unpacked / "pumpcore" / "wire"
    assert (where / "PROTOCOL.md").is_file()


def test_from_the_wheel_the_simulated_pump_boots_and_says_hello(unpacked: Path, tmp_path: Path) -> None:
    code = (
        "from thecal.files.resources import hardware_folder\n"
        "from thecal.sim.runner import SimulatedPump\n"
        "pump = SimulatedPump(hardware_folder() / 'sim-clock.toml', virtual=True)\n"
        "pump.write(b'\\nhello\\n')\n"
        "pump.advance_by(2000)\n"
        "print(pump.read(10).decode().strip().splitlines()[-1])\n"
        "pump.close()\n"
    )
    answer = python_there(unpacked, code, tmp_path)
    assert '"name":"micropython"' in answer.replace(" ", "")


def test_missing_files_are_told_with_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(resources, "PACKAGE", tmp_path / "a")
    monkeypatch.setattr(resources, "CHECKOUT", tmp_path / "b")
    with pytest.raises(resources.Failed, match="firmware files are missing") as caught:
        resources.firmware_folder()
    assert caught.value.do == "install thecal again"


def test_the_version_is_one() -> None:
    assert PROJECT["version"] == thecal.__version__
    assert f"## {PROJECT['version']}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_console_script_points_at_a_function() -> None:
    module, name = PROJECT["scripts"]["thecal"].split(":")
    assert callable(getattr(importlib.import_module(module), name))


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(name): version for name, version in pairs}


def asked_of_others() -> list[str]:
    """Return the requirements of every extra too, but for one extra that names another: thecal[pictures]."""
    extras = [text for asked in PROJECT["optional-dependencies"].values() for text in asked]
    return sorted({text for text in [*EVERY_REQUIREMENT, *extras] if not text.startswith("thecal[")})


@pytest.mark.parametrize("text", asked_of_others())
def test_every_requirement_is_pinned_within_its_range(text: str) -> None:
    asked = Requirement(text)
    assert Version(pins()[canonicalize_name(asked.name)]) in asked.specifier


def test_constraints_are_exact_versions_and_nothing_else() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    odd = [line for line in lines if not re.fullmatch(r"#.*|[A-Za-z0-9_.-]+==[A-Za-z0-9_.+!]+", line)]
    assert odd == []


def test_the_command_line_starts_without_its_heavy_libraries() -> None:
    code = f"import sys, thecal.cli.app; thecal.cli.app.build(); print(*[n for n in {LATE!r} if n in sys.modules])"
    assert python_there(f"{ROOT / 'host'}{os.pathsep}{ROOT / 'firmware'}", code, ROOT) == ""
