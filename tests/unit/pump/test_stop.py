"""`stop` from the host: which answer it accepts, whom it names, which port it chooses, and the effect of a signal."""

import fcntl
import io
import os
import signal
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import pytest

from pumpcore.wire import messages
from pumpcore.wire import messages as frame
from support.host.fake_pump import FakePump
from support.host.other_ends import OtherEnd, silent
from support.host.therapy_pump import TherapyPump
from thecal.cli.verbs.stop import noted as note
from thecal.errors import BadInput, Failed, Interrupted, PortBusy, Unknown
from thecal.pump import opening, steering
from thecal.pump.client import Client
from thecal.pump.transport import holders, registry
from thecal.pump.transport.ports import Candidate

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals on Windows")
STOPPED = frame.sealed(messages.result(None, {"state": "stopped", "delivered_steps": 7}))
NOTICED = frame.sealed(messages.result(None, {"state": "stopped", "delivered_steps": 3, "uptime_ms": 1000}))


def stops(data: bytes) -> bytes:
    """A pump whose status another program asks by hand; only a whole line `stop` stops it."""
    return (NOTICED + STOPPED) if b"\nstop\n" in b"\n" + data else NOTICED


class Locked:
    """The lock of a port, held as by another program: locks opened apart in one process do not share."""

    def __init__(self, port_url: str) -> None:
        self._fd = os.open(port_url, os.O_RDWR | os.O_NOCTTY)

    def __enter__(self) -> "Locked":
        fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return self

    def __exit__(self, *details: object) -> None:
        os.close(self._fd)


@pytest.mark.rule("R1")
def test_stop_needs_no_lock_and_takes_only_its_own_answer():
    with OtherEnd(stops) as other, Locked(other.port_url), Client(other.port_url) as client:
        try:
            told = client.stop()
        except PortBusy as error:
            told = error.as_dict()
        assert told == {"state": "stopped", "delivered_steps": 7}


def test_other_questions_still_need_the_lock():
    with OtherEnd(stops) as other, Locked(other.port_url), Client(other.port_url) as client, pytest.raises(PortBusy):
        client.status()


@pytest.mark.rule("R1")
def test_half_a_line_of_our_own_does_not_eat_the_stop():
    """A signal arrives while an order is being sent."""
    with OtherEnd(silent) as other, Client(other.port_url, 0.2, 0.3) as client:
        client._open().write(b'{"jsonrpc":"2.0","id":"')
        with pytest.raises(Unknown):
            client.stop()
        assert b'"id":"\nstop\n' in other.heard


def test_what_was_read_of_a_broken_answer_is_said():
    broken = OtherEnd(lambda data: STOPPED[5:] if b"stop" in data else b"")
    with broken as other, Locked(other.port_url), Client(other.port_url) as client, pytest.raises(Unknown, match="reports stopped"):
        begin_s = time.monotonic()
        try:
            client.stop()
        finally:
            assert 1.9 < time.monotonic() - begin_s < 3.5


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says who has a port")
def test_holders_are_named_without_their_options_and_the_far_end_is_none_of_them():
    program = "import sys, time; port = open(sys.argv[1], 'rb', buffering=0); print(flush=True); time.sleep(60)"
    with OtherEnd(silent) as other:
        assert holders.holders(other.port_url) == [], "this process serves the far end"
        process = subprocess.Popen([sys.executable, "-c", program, other.port_url, "--token", "secret"], stdout=subprocess.PIPE)
        try:
            assert process.stdout is not None
            process.stdout.readline()
            found = holders.holders(other.port_url)
            assert [holder.pid for holder in found] == [process.pid]
            assert "secret" not in holders.described(found) and f"(pid {process.pid})" in holders.described(found)
        finally:
            process.kill()
            process.communicate()
        assert holders.holders(other.port_url) == []
    assert holders.holders("socket://127.0.0.1:1") == [] == holders.holders("/dev/none")


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["/v/bin/python3", "-W", "error", "-m", "thecal", "calibrate", "--port", "x"], "thecal calibrate"),
        (["/v/bin/python3", "/v/bin/thecal", "watch"], "thecal watch"),
        (["/v/bin/python", "/v/bin/mpremote", "connect", "x"], "mpremote"),
        (["/v/bin/python", "-c", "secret()"], "python"),
        (["flock", "-x", "/dev/ttyACM0"], "flock"),
        ([""], "a program"),
    ],
)
def test_the_name_of_a_holder(tmp_path, monkeypatch, words, name):
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "cmdline").write_bytes("\0".join([*words, ""]).encode())
    monkeypatch.setattr(holders, "PROC", tmp_path)
    assert holders.name_of(7) == name


PTS_3, ACM_0 = os.makedev(136, 3), os.makedev(166, 0)


@pytest.mark.parametrize(
    ("device", "change", "same"),
    [
        (PTS_3, {}, True),
        (PTS_3, {"st_nlink": 0}, False),  # its far end has gone, another port has the number now
        (PTS_3, {"st_dev": 99}, False),  # of a container
        (PTS_3, {"st_rdev": os.makedev(136, 4)}, False),
        (ACM_0, {}, True),
        (ACM_0, {"st_ino": 8}, True),  # another node of the same device
        (ACM_0, {"st_rdev": os.makedev(166, 1)}, False),
    ],
)
def test_a_reused_number_does_not_make_a_holder(device, change, same):
    port = {"st_rdev": device, "st_dev": 26, "st_ino": 7, "st_nlink": 1}
    assert holders.is_port(SimpleNamespace(**{**port, **change}), SimpleNamespace(**port)) == same


def test_a_terminal_without_its_far_end_has_no_holder():
    master, terminal = os.openpty()
    path = os.ttyname(terminal)
    opened = os.fstat(terminal)
    assert holders.is_port(opened, os.stat(path))
    os.close(master)
    assert not holders.is_port(os.fstat(terminal), opened), "it is deleted"
    os.close(terminal)


def test_a_process_that_closes_the_port_meanwhile_is_not_named(monkeypatch):
    asked = []

    def once(pid, port):
        asked.append(pid)
        return asked.count(pid) == 1

    monkeypatch.setattr(holders, "_has_open", once)
    assert holders.holders("/dev/null") == [] and asked


def test_many_holders_are_named_in_one_sentence():
    found = [holders.Holder(number, "cat") for number in range(5)]
    assert holders.described(found) == "cat (pid 0), cat (pid 1), cat (pid 2) and 2 more"
    assert holders.described(found[:2]) == "cat (pid 0) and cat (pid 1)"
    assert holders.described([]) == "another program"


def test_a_pump_behind_a_lock_is_not_passed_over_for_the_other_one(monkeypatch):
    """Two ports, none named, one locked: the user may mean that one."""
    with OtherEnd(silent) as other, Locked(other.port_url), FakePump() as pump:
        both = [Candidate(other.port_url, "usb"), Candidate(pump.port_url, "simulator")]
        monkeypatch.setattr(opening, "candidates", lambda: both)
        with pytest.raises(BadInput, match="2 pumps found") as caught:
            opening.choose(None)
        assert other.port_url in caught.value.cause and "--port" in caught.value.do
        assert pump.executed == ["hello", "status"], "nothing but a look"


def test_a_stop_is_noted_for_the_port_by_whatever_name(tmp_path, monkeypatch):
    monkeypatch.setenv("THECAL_RUNTIME", str(tmp_path / "runtime"))
    (tmp_path / "link").symlink_to("/dev/tty-of-a-test")
    here, there = steering.StopNotes(str(tmp_path / "link")), steering.StopNotes("/dev/other")
    note("/dev/tty-of-a-test")
    assert here.changed() and not there.changed()
    with pytest.raises(Failed, match="no further run"):
        here.check()
    assert not steering.StopNotes("/dev/tty-of-a-test").changed(), "a verb that begins now may move"


def test_both_ports_of_a_simulator_are_one_pump(tmp_path, monkeypatch):
    monkeypatch.setenv("THECAL_RUNTIME", str(tmp_path))
    registry.add({"port": "/dev/pts/of-a-test", "socket": "socket://127.0.0.1:1", "control": "127.0.0.1:2"})
    notes = steering.StopNotes("socket://127.0.0.1:1")
    note("/dev/pts/of-a-test")
    assert notes.changed()


def test_a_stop_that_can_t_be_noted_is_told_and_is_no_failure(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("THECAL_RUNTIME", str(tmp_path / "file"))
    note("/dev/x")
    assert "this stop could not be noted" in capsys.readouterr().err
    assert registry.last_stop("/dev/x") == ""


def test_the_second_signal_does_not_cut_the_stop_short_and_a_lost_first_one_is_not_the_last():
    with steering.interruptible():
        with pytest.raises(Interrupted) as first:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(1)
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.01)
        assert (first.value.exit_code, first.value.cause) == (143, "ended by SIGTERM")
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        assert signal.getsignal(number) is signal.SIG_IGN, "the process is about to end, and says why first"
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def test_handlers_are_put_back_and_nohup_is_kept(monkeypatch):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with steering.interruptible():
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
            assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.rule("R1")
@pytest.mark.parametrize("begun", [True, False])
def test_a_signal_while_priming_is_ordered_ends_what_was_begun_and_else_leaves_the_pump_alone(begun, thecal_says, monkeypatch, tmp_path):
    monkeypatch.setenv("THECAL_RUNTIME", str(tmp_path))
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    with TherapyPump() as pump:
        order = pump.do_bolus_prime

        def prime(**params):
            reply = order(**params)
            threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGTERM)).start()
            if not begun:
                pump.boluses.clear()
            return reply

        pump.do_bolus_prime = prime
        pump.trouble["bolus.prime"] = ["mute"] * 9
        try:
            code, _, said = thecal_says("prime", "--rate", "2 mL/h", "--yes", "--port", pump.port_url)
        finally:
            for number in (signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
        assert code == 143
        assert ("the pump was stopped" in said, "nothing was ordered" in said) == (begun, not begun)
        assert pump.executed.count("stop") == begun
