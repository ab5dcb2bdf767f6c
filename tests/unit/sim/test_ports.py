"""The ends of the cable: pseudo-terminal, TCP, control port, and `thecal sim` as a process."""

import json
import os
import socket
import struct
import subprocess
import sys
import threading
import time

import pytest
import serial

from support.rig.small_firmware import NO_CLOCK, ask, image, pump
from support.some import some_of
from thecal.errors import BadInput
from thecal.files.resources import firmware_folder, hardware_folder
from thecal.pump.transport import registry
from thecal.sim import serve, served
from thecal.sim.control import Control, ControlServer, methods
from thecal.sim.errors import SimulatorError
from thecal.sim.fleet import Wanted
from thecal.sim.runner import SimulatedPump

needs_terminal = pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals on Windows")
KINDS = [pytest.param("port_url", marks=needs_terminal), "socket_url"]


@pytest.fixture
def sim():
    with pump() as running:
        yield running


def open_port(url):
    return serial.serial_for_url(url, timeout=5)


def exchange(port, text):
    port.write(text.encode() + b"\n")
    return json.loads(port.readline())


@pytest.mark.parametrize("kind", KINDS)
def test_a_port_opens_and_answers_again_and_again(sim, kind):
    for number in range(8):
        with open_port(getattr(sim, kind)) as port:
            assert exchange(port, f"{number} + 1") == number + 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_client_that_hangs_up_in_mid_line_does_not_disturb(sim, kind):
    for _ in range(5):
        with open_port(getattr(sim, kind)) as port:
            port.write(b"1 + ")
            port.flush()
    with open_port(getattr(sim, kind)) as port:
        port.write(b"\n")
        port.readline()
        port.reset_input_buffer()
        assert exchange(port, "6 * 7") == 42
    assert sim.guest_error() is None


@needs_terminal
def test_a_pseudo_terminal_opens_exclusively(sim):
    with serial.Serial(sim.port_url, exclusive=True, timeout=5), pytest.raises(serial.SerialException):
        serial.Serial(sim.port_url, exclusive=True)
    with serial.Serial(sim.port_url, exclusive=True, timeout=5) as port:
        assert exchange(port, "1") == 1


def test_both_ports_are_open_at_once_and_answers_go_to_who_spoke(sim):
    with open_port(sim.socket_url) as first, open_port(sim.port_url or sim.socket_url) as second:
        assert [exchange(port, "7") for port in (first, second, first, second)] == [7, 7, 7, 7] or sim.port_url is None


def test_the_newest_tcp_client_wins(sim):
    with open_port(sim.socket_url) as first:
        assert exchange(first, "1") == 1
        with open_port(sim.socket_url) as second:
            assert exchange(second, "2") == 2
            first.timeout = 2
            with pytest.raises(serial.SerialException):
                first.read(1)


@needs_terminal
def test_every_byte_passes_a_pseudo_terminal_unchanged(sim):
    with open_port(sim.port_url) as port:
        port.write(b"!b.link.write(bytes(range(256)) * 16)\n")
        assert port.read(4096) == bytes(range(256)) * 16


@pytest.mark.parametrize("kind", KINDS)
def test_a_reader_that_does_not_read_holds_the_pump_up_for_half_a_second_a_write(sim, kind):
    with open_port(getattr(sim, kind)) as port:
        assert exchange(port, "1") == 1
        port.write(b"!b.link.write(bytes(8_000_000))\n")
        time.sleep(0.1)
        begun_s = time.monotonic()
        sim.wait_until_idle()
        assert time.monotonic() - begun_s < 3
        assert sim.lost_bytes() > 0


def test_a_pulled_cable_loses_bytes_at_the_byte_that_was_asked_for(sim):
    sim.pull_cable(after_received=3)
    sim.write(b"1+2+3\n")
    sim.wait_until_idle()
    assert sim.read() == b""
    sim.plug_cable()
    assert ask(sim, "4") == 1 + 24
    sim.pull_cable(after_sent=2)
    sim.write(b"123456\n")
    sim.wait_until_idle()
    assert sim.read() == b"12"
    sim.plug_cable()
    assert ask(sim, "5") == 5


def test_without_power_bytes_are_lost_and_the_port_stays(sim):
    with open_port(sim.socket_url) as port:
        assert exchange(port, "1") == 1
        sim.cut_power()
        port.write(b"2\n")
        time.sleep(0.2)
        sim.restore_power()
        assert exchange(port, "3") == 3


def test_the_control_port_does_what_the_object_does(sim):
    server = ControlServer(sim)
    host, port = server.address.split(":")
    with Control(host, int(port), server.secret) as control:
        control.advance(1_500)
        control.advance_by(500)
        assert control.now_ms() == 2_000
        control.cut_power(at_ms=3_000)
        control.advance(4_000)
        assert control.power_is_on() is False
        control.restore_power()
        control.wait_until_idle()
        assert control.flash_image() == sim.flash_image()
        assert control.plant_last_step_ms() is None
        with pytest.raises(SimulatorError, match="on already"):
            control.restore_power()
        with pytest.raises(SimulatorError, match="no method"):
            control._call("close")
        with pytest.raises(SimulatorError, match="request is malformed"):
            control._call("advance", by="x")
    server.close()
    assert all(callable(getattr(SimulatedPump, name)) for name in methods())


def test_an_idle_pump_in_real_time_takes_next_to_no_cpu():
    with pump(speed=1.0) as sim:
        ask(sim, "1")
        before_s, begun_s = time.process_time(), time.monotonic()
        time.sleep(1.0)
        assert (time.process_time() - before_s) / (time.monotonic() - begun_s) < 0.1


def test_a_byte_is_answered_at_once_in_real_time():
    with pump(speed=1.0) as sim, open_port(sim.socket_url) as port:
        took_s = []
        for _ in range(9):
            begun_s = time.monotonic()
            assert exchange(port, "1") == 1
            took_s.append(time.monotonic() - begun_s)
        assert sorted(took_s)[4] < 0.05


RUN = """
import json, sys
from pathlib import Path
from thecal.sim import fleet, serve
from thecal.sim.errors import SimulatorError

def ready(pumps):
    print(json.dumps(pumps[0]), flush=True)

fleet.KEEP_S = 1.0
bench, flash = map(Path, sys.argv[1:3])
try:
    sys.exit(serve.run(bench, [fleet.Wanted(4, flash)], on_ready=ready, virtual=True))
except SimulatorError as error:
    sys.exit(error.cause)
"""


def start_process(flash):
    command = [sys.executable, "-c", RUN, str(NO_CLOCK), str(flash)]
    path = os.pathsep.join([str(hardware_folder().parent / "host"), str(firmware_folder())])
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": path})
    return process, json.loads(process.stdout.readline())


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("number", serve.ENDING)
def test_the_process_ends_cleanly_and_its_flash_survives(tmp_path, number):
    flash = tmp_path / "pump.flash"
    flash.write_bytes(image())
    process, facts = start_process(flash)
    with open_port(facts["socket"]) as port:
        exchange(port, "!b.flash.write('/kept', b'yes')")
    process.send_signal(number)
    _, err = process.communicate(timeout=10)
    assert process.returncode == 0
    assert "Traceback" not in err
    assert holds(flash, "/kept") == "yes"


def holds(flash, path):
    with pump(image=flash.read_bytes()) as sim:
        return ask(sim, f"b.flash.read({path!r})")


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_process_that_is_killed_has_saved_its_flash(tmp_path):
    flash = tmp_path / "pump.flash"
    flash.write_bytes(image())
    process, facts = start_process(flash)
    before = flash.read_bytes()
    with open_port(facts["socket"]) as port:
        exchange(port, "!b.flash.write('/kept', b'yes')")
    give_up_s = time.monotonic() + 60
    while flash.read_bytes() == before and time.monotonic() < give_up_s:
        time.sleep(0.1)
    process.kill()
    process.communicate(timeout=10)
    assert holds(flash, "/kept") == "yes"


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize(
    ("words", "cause"),
    some_of(
        [
            ("!raise SystemExit(3)", "exit code 3"),
            ("!raise SystemExit(0)", "exit code 0"),
            ("!b.watchdog.start = b.link.read = b.link.wait = None", "TypeError"),
            ("!while True: b.clock.uptime_ms()", "without waiting"),
            ("hang_up", "as the control port asked it to"),
        ],
        2,
    ),
)
def test_a_pump_that_dies_ends_the_process_with_an_error(tmp_path, words, cause):
    flash = tmp_path / "pump.flash"
    flash.write_bytes(image())
    process, facts = start_process(flash)
    if words == "hang_up":
        host, _, port = facts["control"].rpartition(":")
        with Control(host, int(port), facts["control_secret"]) as control:
            control.hang_up()
    else:
        with open_port(facts["socket"]) as port:
            port.write(words.encode() + b"\n")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    first, last = err.strip().splitlines()
    assert "contains the firmware of another version" in first
    assert "the simulated pump has died: " in last and cause in last


def test_a_pump_without_power_is_not_dead_and_one_that_failed_is():
    with pump() as sim:
        sim.cut_power()
        assert sim.death() is None
        sim.restore_power()
        sim.write(b"!raise SystemExit(1)\n")
        with pytest.raises(SimulatorError):
            sim.wait_until_idle()
        assert "exit code 1" in sim.death()
        sim.reset()
        assert ask(sim, "1") == 1
        assert sim.death() is None


WITHOUT_SECRET = [b"", b"{}", b"null", b"[]", b'{"secret": 1}', b'{"secret": "\\ud800"}', b'{"secret": ""}', b"GET /", b"[" * 70_000]


@pytest.mark.parametrize("line", WITHOUT_SECRET)
def test_the_control_port_does_nothing_without_its_secret(sim, line):
    server = ControlServer(sim)
    try:
        with socket.create_connection(("127.0.0.1", int(server.address.split(":")[1])), timeout=5) as connection:
            body = line or json.dumps({"secret": server.secret[:-1] + "x", "method": "cut_power", "params": {}}).encode()
            connection.sendall(body + b"\n")
            with connection.makefile("rb") as lines:
                assert "secret is missing or wrong" in json.loads(lines.readline())["error"]
                assert lines.readline() == b""
        assert sim.power_is_on()
    finally:
        server.close()


def test_each_run_has_a_secret_of_its_own_and_only_the_owner_can_read_it(tmp_path, monkeypatch, sim):
    monkeypatch.setenv("THECAL_RUNTIME", str(tmp_path))
    servers = [ControlServer(sim) for _ in range(2)]
    try:
        assert servers[0].secret != servers[1].secret
        file = registry.add({"control": servers[0].address, "control_secret": servers[0].secret})
        assert registry.entries()[0]["control_secret"] == servers[0].secret
        assert os.name == "nt" or file.stat().st_mode & 0o077 == 0
    finally:
        for server in servers:
            server.close()


def test_a_flash_that_can_not_be_saved_is_told_before_a_port_opens(tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(SimulatorError, match="can't be written"):
        serve.run(NO_CLOCK, [Wanted(image=tmp_path / "file" / "pump.flash")], on_ready=pytest.fail, virtual=True)


def test_an_image_of_another_size_is_refused_in_words(tmp_path):
    file = tmp_path / "x"
    file.write_bytes(b"123")
    with pytest.raises(BadInput, match="has 2228224 bytes"):
        served.load_image(file, None)
    assert served.load_image(tmp_path / "none", None) is None


def test_pumps_in_several_threads_do_not_mix_their_ends():
    def cut_and_boot():
        with pump() as sim:
            for _ in range(5):
                sim.cut_power()
                sim.restore_power()
            found.append(ask(sim, "8"))

    found: list[object] = []
    threads = [threading.Thread(target=cut_and_boot) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [8, 8, 8, 8]


def test_a_client_of_the_control_port_that_is_killed_leaves_no_traceback(capfd):
    with pump() as sim:
        server = ControlServer(sim)
        host, _, port = server.address.rpartition(":")
        for half in (b"", b'{"secret": '):
            with socket.create_connection((host, int(port))) as client:
                client.sendall(half)
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # closing resets the connection
        time.sleep(0.2)
        with Control(host, int(port), server.secret) as control:
            assert control.now_ms() >= 0
        server.close()
    assert "Traceback" not in capfd.readouterr().err
