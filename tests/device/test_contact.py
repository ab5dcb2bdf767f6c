"""First contact through both ports: which pump is there, what it runs, and what a person can type."""

import pytest
import serial

from pumpcore.flash import manifest
from pumpcore.wire import messages
from pumpcore.wire.messages import METHODS
from support.replies import fault_of
from support.rig.benches import named
from support.rig.device import Device
from support.rig.target import Chosen
from support.some import some_of
from thecal.deploy.files import firmware_files
from thecal.files.resources import firmware_folder
from thecal.pump.client import Client

TIMEOUT_S = Chosen.target.reply_timeout_s
OPENINGS = 50


def open_port(url: str) -> serial.SerialBase:
    return serial.serial_for_url(url, timeout=TIMEOUT_S, write_timeout=TIMEOUT_S)


def typed(port: serial.SerialBase, line: bytes) -> dict:
    """Return the reply to a line typed by a person."""
    port.write(line)
    answer = port.readline()
    assert answer.endswith(b"\n"), answer
    return messages.decode(answer[:-1])


@pytest.mark.needs("new")
def test_hello_tells_the_release_that_runs_and_that_it_is_micropython(port_url: str) -> None:
    with Client(port_url, TIMEOUT_S) as client:
        hello = client.hello()
    release = manifest.release(manifest.parse(manifest.build(firmware_files(firmware_folder())))[0])
    assert hello["release"] == release
    assert hello["implementation"]["name"] == "micropython"
    assert hello["protocol"][0] == 1
    assert hello["capabilities"] == [*sorted(METHODS), "protocol"]
    assert hello["calibration_state"] == "UNCALIBRATED"
    assert "never" in hello["thecal"]


@pytest.mark.needs("new")
def test_with_a_changed_file_nothing_of_the_firmware_runs() -> None:
    with Device(image=Chosen.target.changed_image(named())) as other:
        for method in ("hello", "status", "start", "stop"):
            assert fault_of(other.ask_raw(method)) == "firmware_incomplete"
        assert fault_of(messages.decode(other.say(b"stop\n").strip())) == "firmware_incomplete"
        assert other.surely_disabled()


@pytest.mark.needs("new")
def test_a_new_pump_is_stopped_without_program_and_without_alarms(port_url: str) -> None:
    with Client(port_url, TIMEOUT_S) as client:
        client.hello()
        status = client.status()
        assert client.program_read() == {"digest": "", "program": None}
        assert client.alarms() == {"alarms": []}
    assert (status["state"], status["delivered_steps"], status["leased_steps"], status["boot"]) == ("stopped", 0, 0, 1)
    assert status["calibration"]["state"] == "UNCALIBRATED"


@pytest.mark.rule("R8")
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_a_person_can_type_hello_status_and_stop(device: Device, port_url: str, end: bytes) -> None:
    device.begin_at_one_ml_per_hour()
    device.client.close()
    with open_port(port_url) as port:
        assert typed(port, b"hello" + end)["result"]["implementation"]["name"] == "micropython"
        assert typed(port, b"  status " + end)["result"]["state"] == "running"
        assert typed(port, b"stop" + end)["result"]["state"] == "stopped"
        assert typed(port, b"stop" + end)["result"]["state"] == "stopped"
        assert fault_of(typed(port, b"start" + end)) == "bad_frame"
    assert device.surely_disabled()


def test_the_port_opens_and_answers_fifty_times(device: Device, port_url: str) -> None:
    device.begin_at_one_ml_per_hour()
    device.client.close()
    for _ in range(OPENINGS):
        with Client(port_url, TIMEOUT_S) as client:
            assert client.status()["state"] == "running"
    device.run_for(60)
    assert device.client.status()["guard_steps"] > 0
    assert device.state() == "running"


@pytest.mark.rule("R1")
def test_opening_and_leaving_in_mid_line_does_not_disturb_a_dose(device: Device, port_url: str) -> None:
    device.begin_at_one_ml_per_hour()
    device.client.close()
    for garbage in (b"", b"sta", b'{"jsonrpc"', b"\x00\xff\x03", b"stop"):
        with open_port(port_url) as port:
            port.write(garbage)
            port.flush()
    device.run_for(10)
    assert device.state() == "running"


@pytest.mark.rule("R8")
@pytest.mark.parametrize("left", some_of([b"sta", b'{"jsonrpc": "2.0", "id": "0123', b"x" * 20_000, b"\xff\x00\x03\r"], 2))
def test_half_a_line_of_a_predecessor_cannot_eat_a_stop(
    device: Device, port_url: str, left: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("thecal.pump.exchange.STOP_TIMEOUT_S", TIMEOUT_S)
    device.begin_at_one_ml_per_hour()
    device.client.close()
    with open_port(port_url) as port:
        port.write(left)
        port.flush()
        device.sim.wait_until_idle()
    with Client(port_url, TIMEOUT_S) as client:
        assert client.stop()["state"] == "stopped"
        assert client.resent is False, "the first stop was lost"
    assert device.surely_disabled()


@pytest.mark.needs("socket")
def test_two_clients_on_the_two_ports_each_get_their_own_answers(device: Device) -> None:
    device.begin_at_one_ml_per_hour()
    bench = device.client.hello()["bench"]
    with Client(device.sim.socket_url, TIMEOUT_S) as second:
        for _ in range(20):
            assert device.state() == "running"
            assert second.hello()["bench"] == bench
        assert second.stop()["state"] == "stopped"
    assert device.state() == "stopped"


@pytest.mark.needs("socket")
def test_the_newest_of_two_sockets_wins(device: Device) -> None:
    with Client(device.sim.socket_url, TIMEOUT_S) as first, Client(device.sim.socket_url, TIMEOUT_S) as second:
        assert first.status()["state"] == "stopped"
        assert second.status()["state"] == "stopped"
        assert second.stop()["state"] == "stopped"
        assert first.status()["state"] == "stopped", "asking again opens a new connection, which is then the newest"
