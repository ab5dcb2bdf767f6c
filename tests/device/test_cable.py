"""The cable is pulled after every single byte of an upload, and of the pump's replies to it.

Two programs take turns: at each byte the pump has one and receives the other. Over TCP, because there the host sees at once that the cable
is gone; the pump cannot tell the two kinds of end apart.
"""

import base64
import threading
import time
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise, takewhile

import pytest

from pumpcore.program import packing as programs
from pumpcore.wire import messages
from pumpcore.wire import messages as frame
from support.programs import example_day
from support.rig.device import Device, Figures
from thecal.errors import LinkLost, NoPump, Refused, Unknown
from thecal.pump.client import Client

pytestmark = [pytest.mark.needs("plant", "free_time"), pytest.mark.rule("R8"), pytest.mark.rule("R10")]
REPLY_TIMEOUT_S, NO_PATIENCE_S, PATIENCE_S = 5.0, 0.001, 10.0
PULLED_FOR_S = 0.03
FEWEST_BYTES, MOST_BYTES = 800, 2000


def other_day() -> bytes:
    """Return the example day with another name and other rates, packed to as many bytes."""
    changed = programs.unpack(example_day().packed)
    changed.name = changed.name[::-1]
    changed.entries = [(minute, rate_nl + 1) for minute, rate_nl in changed.entries]
    return programs.pack(changed)


@pytest.fixture
def device() -> Iterator[Device]:
    with Device() as fresh:
        fresh.upload(example_day().packed)
        yield fresh


class Uploads:
    """Uploads with a cable that fails. `outcomes` counts the host's outcome and the pump's program after it."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.held, self.sent = example_day().packed, other_day()
        assert len(self.held) == len(self.sent)
        self.outcomes: Counter[str] = Counter()

    def client(self, patience_s: float) -> Client:
        return Client(self.device.sim.socket_url, REPLY_TIMEOUT_S, patience_s)

    def upload(self, patience_s: float) -> str:
        """Return the host's outcome: done, refused or unknown; `none` if the link was lost before any change."""
        try:
            with self.client(patience_s) as client:
                digest = client.program_stage(self.sent)["digest"]
                client.program_activate(digest)
        except Unknown:
            return "unknown"
        except Refused:
            return "refused"
        except (LinkLost, NoPump):
            return "nothing sent"
        return "done"

    def settle(self, told: str) -> None:
        """At the next contact: the pump has the old program or the new one, whole, and the host's outcome was true."""
        with self.client(PATIENCE_S) as client:
            reply = client.program_read()
            status = client.status()
        packed = base64.b64decode(reply["program"])
        assert packed in (self.held, self.sent)
        assert reply["digest"] == status["program_digest"] == programs.digest(packed)
        assert (status["state"], status["alarms"]) == ("stopped", [])
        is_new = packed == self.sent
        assert told == "unknown" or is_new == (told == "done")
        self.outcomes[f"{told}, {'new' if is_new else 'old'} program"] += 1
        if is_new:
            self.held, self.sent = self.sent, self.held

    def pulled(self, side: str, count: int) -> str:
        """Upload with the cable pulled after `count` more bytes on this side; return the host's outcome."""
        sim = self.device.sim
        sim.pull_cable(**{side: count})
        told = self.upload(NO_PATIENCE_S)
        sim.wait_until_idle()
        sim.plug_cable()
        self.settle(told)
        return told


@pytest.mark.parametrize("side", ["after_received", "after_sent"])
@pytest.mark.long
def test_pulled_after_every_byte_the_pump_holds_the_old_or_the_new_program(device: Device, side: str, record_property: Figures) -> None:
    uploads, steps_before, begun_s = Uploads(device), device.sim.plant_steps(), time.monotonic()
    counts = takewhile(lambda count: uploads.pulled(side, count) != "done", range(MOST_BYTES))
    total_bytes = sum(1 for _ in counts)
    assert FEWEST_BYTES < total_bytes < MOST_BYTES
    assert uploads.outcomes.pop("done, new program") == 1, "the first upload that no longer loses a byte"
    assert sum(uploads.outcomes.values()) == total_bytes
    assert uploads.outcomes["unknown, old program" if side == "after_received" else "unknown, new program"] > 100
    assert device.sim.plant_steps() == steps_before
    words = "; ".join(f"{number} x {what}" for what, number in sorted(uploads.outcomes.items()))
    took_s = time.monotonic() - begun_s
    record_property("figure", f"cable pulled {side.replace('_', ' ')} each of {total_bytes} bytes in {took_s:.0f} s: {words}")


@pytest.mark.parametrize("side", ["after_received", "after_sent"])
def test_a_cable_that_comes_back_in_time_is_not_noticed(device: Device, side: str) -> None:
    """Plugged in again while the host still tries, at every 50th byte: the upload is done once."""
    uploads = Uploads(device)
    for count in range(7, FEWEST_BYTES, 50):
        before = len(device.records("program_activated"))
        device.client.close()
        device.sim.pull_cable(**{side: count})
        plugging = threading.Timer(PULLED_FOR_S, device.sim.plug_cable)
        plugging.start()
        assert uploads.upload(PATIENCE_S) == "done"
        plugging.join(5)
        uploads.settle("done")
        assert len(device.records("program_activated")) == before + 1
    assert set(uploads.outcomes) == {"done, new program"}


def test_power_cut_between_stage_and_activate_keeps_the_old_program(device: Device) -> None:
    digest = device.client.program_stage(other_day())["digest"]
    device.power_cycle(1)
    with pytest.raises(Refused, match="stage"):
        device.client.program_activate(digest)
    assert device.client.program_read()["digest"] == programs.digest(example_day().packed)
    device.upload(other_day())


def test_bytes_in_pieces_make_the_same_upload(device: Device) -> None:
    text = base64.b64encode(other_day()).decode()
    line = frame.encode(messages.request("0" * 16, "program.stage", {"program": text}))
    for begin, end in pairwise([*range(0, len(line), 13), len(line)]):
        reply = device.say(line[begin:end])
    assert frame.decode(reply[:-1])["result"]["digest"] == programs.digest(other_day())
