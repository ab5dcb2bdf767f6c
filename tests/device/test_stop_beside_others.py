"""`thecal stop` while another program has the port: it acts all the same, reports what it knows, and nothing moves afterwards."""

import fcntl
import json
import os
import pty
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.host import port_holders
from support.host.cli import Tool, environment
from support.host.fake_balance import FakeBalance
from support.host.fake_pump import wait_until
from support.host.other_ends import OtherEnd, silent
from support.host.port_holders import holder
from support.programs import constant
from support.rig.device import Device
from support.some import some_of

pytestmark = [
    pytest.mark.needs("free_time"),
    pytest.mark.needs("plant"),
    pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals on Windows"),
]
named_by_proc = pytest.mark.skipif(sys.platform != "linux", reason="only Linux says who has a port")
OK, FAILED, USAGE, LINK_LOST = 0, 1, 2, 4
CALIBRATE = ("calibrate", "--tube", "T1", "--turns", "20", "--rate", "9 mL/h", "--mass", "0.64 g", "--yes")


@pytest.fixture
def tool(tmp_path: Path) -> Tool:
    return Tool(tmp_path)


@pytest.fixture
def live() -> Iterator[Device]:
    """A pump in real time, with a program, stopped."""
    with Device(speed=1.0) as running:
        running.upload(constant(1_000_000))
        running.client.close()
        yield running


@pytest.fixture
def running(live: Device) -> Device:
    live.client.start()
    live.client.close()
    wait_until(lambda: live.sim.plant_steps() > 0)
    return live


def stays_stopped(device: Device, seconds: float = 2.0) -> None:
    steps = device.sim.plant_steps()
    time.sleep(seconds)
    assert device.sim.plant_steps() == steps
    assert not device.sim.enable_level()


@pytest.mark.rule("R1")
@pytest.mark.parametrize("program", [port_holders.LOCKS, port_holders.LOCKS_WITH_HALF_A_LINE])
def test_stop_passes_the_lock_of_another_program(tool: Tool, running: Device, program: str) -> None:
    with holder(program, running.port_url):
        done = tool.run("stop", "--json", "--port", running.port_url)
        assert not running.sim.enable_level()
    assert done.returncode == OK, done.stderr
    told = json.loads(done.stdout)
    assert (told["state"], told["delivered_steps"]) == ("stopped", running.sim.plant_steps())
    stays_stopped(running, 0.5)


@pytest.mark.rule("R1")
@pytest.mark.parametrize("program", [port_holders.LOCKS_AND_READS, port_holders.READS])
def test_stop_acts_although_another_program_reads_its_answer_away(tool: Tool, running: Device, program: str) -> None:
    """The system decides which program reads a byte: the answer is read, or the message says who may have it."""
    with holder(program, running.port_url) as pid:
        begin_s = time.monotonic()
        done = tool.run("stop", "--port", running.port_url)
        assert time.monotonic() - begin_s < 10
        assert not running.sim.enable_level()
    assert done.returncode in (OK, LINK_LOST)
    assert done.returncode == OK or f"(pid {pid})" in done.stderr or sys.platform != "linux"
    stays_stopped(running, 0.5)


@named_by_proc
@pytest.mark.parametrize("program", [port_holders.LOCKS, port_holders.READS])
def test_a_stop_beside_another_program_that_nobody_answers_names_that_program_after_two_seconds(tool: Tool, program: str) -> None:
    with OtherEnd(silent) as other, holder(program, other.port_url) as pid:
        begin_s = time.monotonic()
        done = tool.run("stop", "--json", "--port", other.port_url)
        assert 2.0 < time.monotonic() - begin_s < 10, "two seconds, and the start of the tool on a busy machine"
    told = json.loads(done.stdout)
    assert (done.returncode, told["exit_code"], told["error"]) == (LINK_LOST, LINK_LOST, "Unknown")
    assert f"(pid {pid})" in told["cause"] and "may have read the answer" in told["cause"]
    assert "stop button" in told["do"]
    assert 3 <= other.heard.count(b"\nstop\n") <= 6
    assert other.heard.replace(b"\nstop\n", b"") == b"\n", "nothing else is sent to a port that is another program's"


@named_by_proc
def test_a_port_that_the_system_keeps_for_another_program_is_told_as_it_is(tool: Tool) -> None:
    bound = Tool(tool.folder, forked=False)
    bound.command = [sys.executable, "-c", port_holders.BOUND, *tool.command]
    with OtherEnd(silent) as other, holder(port_holders.EXCLUDES, other.port_url) as pid:
        done = bound.run("stop", "--port", other.port_url)
        assert b"stop" not in other.heard
    assert done.returncode == FAILED
    assert "`stop` was not sent" in done.stderr and f"(pid {pid})" in done.stderr and "stop button" in done.stderr


@pytest.fixture
def calibrating(tool: Tool, live: Device) -> Iterator[subprocess.Popen[str]]:
    """`thecal calibrate` whose run has begun to move the motor."""
    process = tool.start(*CALIBRATE, "--port", live.port_url)
    try:
        wait_until(lambda: live.sim.plant_steps() > 20, 20)
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.rule("R1")
def test_stop_beside_a_calibration_stops_it_and_the_calibration_says_so(
    tool: Tool, live: Device, calibrating: subprocess.Popen[str]
) -> None:
    done = tool.run("stop", "--port", live.port_url)
    assert done.returncode == OK, done.stderr
    assert not live.sim.enable_level()
    _, said = calibrating.communicate(timeout=20)
    assert calibrating.returncode == FAILED
    assert "Traceback" not in said
    assert "nothing was stored" in said and "thecal status" in said
    stays_stopped(live)


@pytest.mark.rule("R1")
@pytest.mark.parametrize(
    ("name", "code", "times"),
    some_of([("SIGTERM", 143, 1), ("SIGINT", 130, 1), ("SIGHUP", 129, 1), ("SIGINT", 130, 3), ("SIGTERM", 143, 3)], 3),
)
def test_a_signal_ends_the_run_of_a_calibration(live: Device, calibrating: subprocess.Popen[str], name: str, code: int, times: int) -> None:
    for _ in range(times):
        calibrating.send_signal(getattr(signal, name))
        time.sleep(0.02)
    out, said = calibrating.communicate(timeout=20)
    assert (calibrating.returncode, out) == (code, "")
    assert not live.sim.enable_level()
    assert "Traceback" not in said
    assert f"ended by {name}; the pump was stopped" in said and " of 0.6401 mL were delivered" in said
    stays_stopped(live)


@pytest.mark.rule("R1")
def test_a_terminal_that_is_closed_ends_the_run_of_a_calibration(tool: Tool, live: Device) -> None:
    """The progress bar cannot be drawn at the moment when the run must be stopped."""
    master, slave = pty.openpty()

    def own_terminal() -> None:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    command = [*tool.command, *CALIBRATE, "--port", live.port_url]
    environ = {**environment(tool.folder / "runtime"), "TERM": "dumb"}
    process = subprocess.Popen(
        command, env=environ, stdin=slave, stdout=slave, stderr=slave, start_new_session=True, preexec_fn=own_terminal
    )
    os.close(slave)
    try:
        said = b""
        while b"calibration [" not in said:
            said += os.read(master, 4096)
        os.close(master)
        process.wait(20)
    finally:
        process.kill()
    assert live.sim.plant_steps() > 20
    stays_stopped(live)


@pytest.mark.rule("R1")
@pytest.mark.parametrize(("name", "code"), [("SIGTERM", 143), ("SIGHUP", 129), ("SIGINT", 130)])
def test_a_signal_at_a_question_ends_a_calibration_and_sends_nothing(tool: Tool, live: Device, name: str, code: int) -> None:
    process = tool.start(*CALIBRATE[:-1], "--port", live.port_url)
    try:
        assert process.stderr is not None
        said = ""
        while "[y/N]" not in said:
            said += process.stderr.read(1)
        process.send_signal(getattr(signal, name))
        _, rest = process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode == code
    assert "Traceback" not in rest and f"ended by {name}" in rest
    assert live.sim.plant_steps() == 0


@pytest.mark.rule("R1")
def test_a_signal_while_a_balance_is_read_ends_a_calibration_before_it_moves(tool: Tool, live: Device) -> None:
    never = [b"+ %8.3f g  \r\n" % (10 + 0.111 * number) for number in range(800)]
    words = ("calibrate", "--tube", "T1", "--turns", "2", "--rate", "9 mL/h", "--yes", "--port", live.port_url)
    with FakeBalance(prints=never) as balance:
        process = tool.start(*words, "--balance", balance.url)
        try:
            assert process.stderr is not None
            said = ""
            while "balance: " not in said:
                said += process.stderr.read(1)
            time.sleep(0.5)
            process.send_signal(signal.SIGTERM)
            _, rest = process.communicate(timeout=20)
        finally:
            process.kill()
    assert process.returncode == 143
    assert "Traceback" not in rest and "ended by SIGTERM" in rest
    assert live.sim.plant_steps() == 0


@pytest.mark.rule("R1")
@pytest.mark.parametrize("url", ["socket_url", "port_url"])
def test_no_run_follows_a_stop_that_came_while_the_vessel_was_weighed(tool: Tool, live: Device, url: str) -> None:
    """The pump is idle then and keeps no record of the stop; a motor that turns a moment later would be worse than none."""
    live.sim.set_speed(100)
    port = getattr(live.sim, url)
    process = tool.start(*CALIBRATE[:3], "--lot", "", "--turns", "2", "--rate", "9 mL/h", "--runs", "2", "--yes", "--port", port)
    try:
        assert process.stdin is not None and process.stderr is not None
        process.stdin.write("\n")
        process.stdin.flush()
        said = ""
        while "weight after" not in said:
            said += process.stderr.read(1)
        steps = live.sim.plant_steps()
        assert steps > 0
        assert tool.run("stop", "--port", port).returncode == OK
        _, rest = process.communicate("0.064 g\n\n", timeout=30)
    finally:
        process.kill()
    assert process.returncode == FAILED
    assert "`thecal stop` was used" in rest
    assert live.sim.plant_steps() == steps


@pytest.mark.rule("R1")
def test_stop_by_socket_beats_a_calibration_by_socket(tool: Tool, live: Device) -> None:
    """The newest connection wins and the calibration reconnects at once: one of the stops gets through all the same."""
    process = tool.start(*CALIBRATE, "--port", live.sim.socket_url)
    try:
        wait_until(lambda: live.sim.plant_steps() > 20, 20)
        done = tool.run("stop", "--port", live.sim.socket_url)
        assert done.returncode == OK, done.stderr
        _, said = process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode == FAILED and "Traceback" not in said
    stays_stopped(live)


@pytest.fixture
def weighing(tool: Tool) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """`thecal characterise` on a pump ten times as fast as real time, once the pump runs; and the pump's port."""
    sim = tool.start("sim", "--speed", "10", "--fresh", "--image", "pump.flash", "--balance", "--json")
    process = None
    try:
        assert sim.stdout is not None
        facts = json.loads(sim.stdout.readline())
        words = ("--rate", "1.6 mL/h", "--duration", "30 min", "--interval", "1 s", "--record", "run.csv", "--yes")
        process = tool.start("characterise", "--balance", facts["balance"], "--port", facts["port"], *words)
        record = tool.folder / "run.csv"
        wait_until(lambda: record.exists() and ",run," in record.read_text(), 40)
        yield facts["port"], process
    finally:
        for one in (process, sim):
            if one is not None:
                one.terminate()
                one.communicate(timeout=20)


def rests(tool: Tool, port: str) -> bool:
    """Return True if the pump is stopped and its position stays."""
    looks = []
    for _ in range(2):
        looks.append(json.loads(tool.run("status", "--json", "--port", port).stdout))
        time.sleep(0.5)
    return [look["state"] for look in looks] == ["stopped"] * 2 and looks[0]["delivered_steps"] == looks[1]["delivered_steps"]


@pytest.mark.rule("R1")
@pytest.mark.parametrize(("name", "code"), some_of([("SIGTERM", 143), ("SIGHUP", 129), ("SIGINT", 130)], 3))
def test_a_signal_ends_the_run_of_a_weighing_and_keeps_the_record(
    tool: Tool, weighing: tuple[str, subprocess.Popen[str]], name: str, code: int
) -> None:
    port, process = weighing
    process.send_signal(getattr(signal, name))
    _, said = process.communicate(timeout=20)
    assert process.returncode == code and "Traceback" not in said
    assert f"ended by {name}; the pump was stopped" in said and "were delivered" in said
    assert rests(tool, port)
    assert ",run," in (tool.folder / "run.csv").read_text()


@pytest.mark.rule("R1")
def test_stop_beside_a_weighing_stops_it_and_the_weighing_says_so(tool: Tool, weighing: tuple[str, subprocess.Popen[str]]) -> None:
    port, process = weighing
    assert tool.run("stop", "--port", port).returncode == OK
    _, said = process.communicate(timeout=30)
    assert process.returncode == FAILED and "Traceback" not in said
    assert "the run of the pump has ended: it is stopped" in said
    assert rests(tool, port)
