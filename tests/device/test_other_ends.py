"""The tool, as a process, with no pump, no real pump, a port in use, or a late answer: one clear message and an exit code."""

import json
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import serial

from support.host.cli import TIMEOUT_S, Tool
from support.host.fake_pump import FakePump, wait_until
from support.host.other_ends import Answer, OtherEnd, echo, garbage, prompt, silent
from support.programs import constant
from support.rig.device import Device
from thecal.pump.client import Client
from thecal.pump.transport.ports import usb_boards

# This tests the tool, not the pump: a slow target would only make it slow.
pytestmark = pytest.mark.needs("free_time")
OK, FAILED, NO_PUMP, LINK_LOST, IN_ALARM = 0, 1, 3, 4, 5
RX = 'title = "t"\ndrug = "d"\n[basal]\nrate = "1 mL/h"\n'
needs_terminal = pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals on Windows")


@pytest.fixture
def tool(tmp_path: Path) -> Tool:
    (tmp_path / "rx.toml").write_text(RX)
    return Tool(tmp_path)


@pytest.fixture
def live() -> Iterator[Device]:
    """A pump in real time, stopped, with a program."""
    with Device(speed=1.0) as running:
        running.upload(constant(1_000_000))
        running.client.close()
        yield running


def explains(tool: Tool, code: int, words: tuple[str, ...], *command: str) -> None:
    """Check that the command ends with `code`, a few lines with `words` and a remedy on stderr, and nothing on stdout."""
    done = tool.run(*command)
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    lines = done.stderr.strip().splitlines()
    assert lines[0].startswith("thecal: ")
    assert 2 <= len(lines) <= 3, "the cause, then what to do"
    for word in words:
        assert word in done.stderr


@pytest.mark.parametrize("verb", [("status",), ("stop",), ("program", "rx.toml", "--yes")])
def test_no_pump_at_all(tool: Tool, verb: tuple[str, ...]) -> None:
    if usb_boards():
        pytest.skip("a board is plugged in here; it would be asked")
    explains(tool, NO_PUMP, ("no pump found", "thecal sim"), *verb)


@pytest.mark.parametrize(
    ("port", "words"),
    [
        ("/dev/no-such-port", ("/dev/no-such-port", "No such file")),
        ("socket://127.0.0.1:1", ("can't open", "refused")),
        ("socket://127.0.0.1", ("socket://HOST:PORT",)),
        ("gopher://x", ("gopher://x",)),
        (".", ("can't open",)),
    ],
)
def test_a_port_that_is_not_there(tool: Tool, port: str, words: tuple[str, ...]) -> None:
    explains(tool, NO_PUMP, words, "status", "--port", port)


@needs_terminal
def test_a_port_that_is_busy(tool: Tool, device: Device) -> None:
    with serial.Serial(device.port_url, exclusive=True, timeout=1):
        explains(tool, FAILED, ("in use by another program",), "status", "--port", device.port_url)
        assert tool.run("stop", "--port", device.port_url).returncode == OK


@needs_terminal
def test_a_port_that_is_busy_for_half_a_second_is_waited_for(tool: Tool, device: Device) -> None:
    with serial.Serial(device.port_url, exclusive=True, timeout=1) as held:
        releasing = threading.Timer(0.8, held.close)
        releasing.start()
        assert tool.run("status", "--port", device.port_url).returncode == OK
        releasing.join(5)


@needs_terminal
@pytest.mark.parametrize("verb", [("status",), ("program", "rx.toml", "--yes")])
def test_a_micropython_prompt_is_not_a_pump_and_is_sent_nothing_dangerous(tool: Tool, verb: tuple[str, ...]) -> None:
    with OtherEnd(prompt) as other:
        explains(tool, NO_PUMP, ("MicroPython prompt", "reset it"), *verb, "--port", other.port_url)
        assert not set(other.heard) & {0x01, 0x02, 0x03, 0x04, 0x05}, "a control character would interrupt what runs there"
        assert b"activate" not in other.heard


@needs_terminal
@pytest.mark.parametrize("answer", [garbage, echo])
def test_another_device_is_not_a_pump(tool: Tool, answer: Answer) -> None:
    with OtherEnd(answer) as other:
        explains(tool, NO_PUMP, ("is not a pump", "--port"), "status", "--port", other.port_url)


@needs_terminal
def test_nobody_answers(tool: Tool) -> None:
    with OtherEnd(silent) as other:
        explains(tool, NO_PUMP, ("nothing answers", "power"), "status", "--port", other.port_url)


@needs_terminal
def test_a_stop_that_nobody_answers_is_unknown_and_says_what_to_do_about_it(tool: Tool) -> None:
    with OtherEnd(silent) as other:
        explains(tool, LINK_LOST, ("may or may not", "stop button"), "stop", "--port", other.port_url)
        assert other.heard.count(b"stop\n") > 3


def test_another_protocol(tool: Tool) -> None:
    for protocol in ((0, 9), (2, 0)):
        with FakePump(protocol=protocol) as old:
            words = (f"version {protocol[0]}", "speaks 1", "flash")
            explains(tool, FAILED, words, "program", "rx.toml", "--yes", "--port", old.port_url)
            assert set(old.executed) == {"hello"}


def test_a_pump_without_power(tool: Tool, live: Device) -> None:
    live.sim.cut_power()
    explains(tool, NO_PUMP, ("nothing answers", "power"), "status", "--port", live.port_url)


def test_a_reset_while_it_is_asked_is_waited_for(tool: Tool, live: Device) -> None:
    live.sim.cut_power()
    restoring = threading.Timer(1.5, live.sim.restore_power)
    restoring.start()
    done = tool.run("status", "--json", "--port", live.port_url)
    restoring.join(5)
    assert (done.returncode, json.loads(done.stdout)["boot"]) == (OK, 2)


def test_a_reset_between_start_and_its_answer_is_told_as_it_is(tool: Tool) -> None:
    with FakePump() as pump:
        with Client(pump.port_url, 5.0) as client:
            from pumpcore.program import packing

            client.program_activate(client.program_stage(packing.pack(constant(1_000_000)))["digest"])
        pump.trouble = {"start": ["reset"]}
        done = tool.run("start", "--port", pump.port_url)
    assert done.returncode == OK, "sent again to the pump that has come back, and done there"
    assert pump.state == "running"


def asked_to_confirm(process: subprocess.Popen[str]) -> bool:
    """Wait for the question on stderr."""
    said, deadline_s = b"", time.monotonic() + TIMEOUT_S
    while b"[y/N]" not in said and time.monotonic() < deadline_s:
        if select.select([process.stderr], [], [], 0.1)[0]:
            said += os.read(process.stderr.fileno(), 4096)
    return b"[y/N]" in said


@needs_terminal
def test_a_reset_between_staging_and_activation_is_refused_with_what_to_do(tool: Tool) -> None:
    """The pump is reset while the prompt waits: the staged program is gone, the old program stays."""
    with Device(speed=1.0) as live:
        old = live.upload(constant(600_000))
        live.client.close()
        asking = tool.start("program", "rx.toml", "--port", live.port_url)
        try:
            assert asked_to_confirm(asking)
            live.sim.reset()
            _, said = asking.communicate("y\n", timeout=TIMEOUT_S)
        finally:
            asking.kill()
        assert asking.returncode == FAILED
        assert "Traceback" not in said
        assert "the pump's power-up changed after the review; nothing was sent" in said
        assert "thecal status; then order again" in said
        assert live.client.program_read()["digest"] == old


def test_a_pump_in_alarm_is_told_by_the_exit_code(tool: Tool, live: Device) -> None:
    live.client.start()
    live.client.close()
    wait_until(live.sim.enable_level)
    live.sim.guard_miscount(1)
    wait_until(lambda: not live.sim.enable_level())
    done = tool.run("status", "--port", live.port_url)
    assert done.returncode == IN_ALARM
    assert "guard_mismatch" in done.stdout
    explains(tool, IN_ALARM, ("alarm",), "start", "--port", live.port_url)


def test_the_main_job_by_the_tool_alone(tool: Tool, live: Device) -> None:
    """Program, start, status, bolus, journal, stop: every verb through the real port, as in the README."""
    port = ("--port", live.port_url)
    assert tool.run("program", "rx.toml", "--yes", *port).returncode == OK
    assert tool.run("start", *port).stdout.startswith("running")
    ordered = tool.run("bolus", "0.05 mL", "--rate", "6 mL/h", "--yes", "--json", *port)
    assert ordered.returncode == OK, ordered.stdout
    token = json.loads(ordered.stdout)["token"]
    assert json.loads(tool.run("bolus", "--status", token, "--json", *port).stdout)["state"] in ("ordered", "delivering", "done")
    live.sim.set_speed(50)
    status = tool.run("status", *port)
    assert (status.returncode, "running" in status.stdout) == (OK, True)
    assert tool.run("program", "rx.toml", "--yes", *port).returncode == OK, "the same program again is harmless"
    stopped = tool.run("stop", *port)
    assert stopped.stdout.startswith("stopped")
    lines = tool.run("journal", "--jsonl", "-", *port).stdout.splitlines()
    events = [json.loads(line)["event"] for line in lines]
    assert events[0] == "boot"
    assert {"program_activated", "started", "bolus_ordered", "stopped"} <= set(events)
    found = tool.run("find", *port)
    assert live.port_url in found.stdout
