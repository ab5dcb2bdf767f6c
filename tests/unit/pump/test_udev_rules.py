"""The udev file: its boards are those that the host looks for, its syntax is right, and the error for a locked port names it."""

import errno
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from house_rules.tree import ROOT
from thecal.errors import NoPump
from thecal.pump.transport.link import why_not_open
from thecal.pump.transport.ports import USB_IDS

FILE = ROOT / "hardware" / "60-thecal.rules"
LINES = [line for line in FILE.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
BOOT_DRIVE_ID = (0x2E8A, 0x0003)


def numbers(line: str) -> tuple[int, int]:
    vendor, product = re.search(r'idVendor}=="(\w{4})".*idProduct}=="(\w{4})"', line).groups()
    return int(vendor, 16), int(product, 16)


def test_it_names_the_boards_that_the_host_looks_for_and_the_boot_drive() -> None:
    assert {numbers(line) for line in LINES} == {*USB_IDS, BOOT_DRIVE_ID}


def test_every_line_gives_the_port_to_who_sits_there_and_the_modem_manager_leaves_the_pump_alone() -> None:
    assert all('TAG+="uaccess"' in line for line in LINES)
    ours = [line for line in LINES if numbers(line) in USB_IDS]
    assert ours and all('ENV{ID_MM_DEVICE_IGNORE}="1"' in line for line in ours)


def test_it_runs_before_the_rule_that_gives_access() -> None:
    """systemd's 73-seat-late.rules reads the tag."""
    assert int(FILE.name.split("-")[0]) < 73


def test_every_part_is_a_key_an_operator_and_a_quoted_value() -> None:
    part = re.compile(r'(SUBSYSTEM|ENV\{\w+\}|ATTRS?\{\w+\}|TAG)(==|\+=|=)"[^"]*"')
    assert [word for line in LINES for word in line.split(", ") if not part.fullmatch(word)] == []


def test_udev_itself_takes_the_file(tmp_path: Path) -> None:
    udevadm = shutil.which("udevadm")
    if udevadm is None or subprocess.run([udevadm, "verify", "--help"], capture_output=True, check=False).returncode:
        pytest.skip("no udevadm with `verify` on this machine: the file's syntax was not checked by udev")
    done = subprocess.run([udevadm, "verify", str(FILE)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    broken = tmp_path / "60-broken.rules"
    broken.write_text(LINES[0].replace("==", "=+=", 1))
    assert subprocess.run([udevadm, "verify", str(broken)], capture_output=True, check=False).returncode


def test_a_port_without_permission_names_the_file() -> None:
    said = why_not_open("/dev/ttyACM0", PermissionError(errno.EACCES, "Permission denied"))
    assert isinstance(said, NoPump)
    assert FILE.relative_to(ROOT).as_posix() in said.do
    assert said.cause == "this user may not open /dev/ttyACM0"
