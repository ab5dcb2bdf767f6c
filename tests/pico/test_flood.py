"""A flood of lines at a pump on the emulated chip: the dose stays exact, `stop` acts after it, and no prompt ever reads it."""

import itertools
import os
import random
from collections.abc import Iterator

import pytest

from support.programs import constant
from support.rig.device import Device, Figures

TORTURE = os.environ.get("THECAL_HYPOTHESIS") == "torture"
# A flood of less than 4 s would not cross the end of a lease. A second of flood takes most of a minute of processor time on the computer
# that emulates the chip. `make torture` therefore floods for ten minutes in ten parts, side by side on as many cores as there are.
FLOOD_S = max(4.0, float(os.environ.get("THECAL_FLOOD_S", 60 if TORTURE else 20)))
FLOODS = 10 if TORTURE else 1  # each with other noise
RATE_NL = 1_600_000  # 44 steps a second
BEFORE_RENEWAL_S = 56  # the first lease ends at 59 s and is renewed at 56.5 s
AHEAD_BYTES = 2048  # bytes that wait at the host
STOP_WITHIN_S = 1.0
TYPED = b"print('py' * 3)\n\x03\x03\r\x01print('py' * 3)\x04\x02\nimport os\nos.remove('/main.py')\n\x04"
KINDS = (
    b"{" + b"x" * 1_979 + b"\n",
    b"y" * 8_191 + b"\n",
    b"z" * 4_096,
    b"a\n" * 1_024,
    b'{"stop"' + b"x" * 120 + b"\n" + TYPED,
)
KIND_S = min(4.0, FLOOD_S / (len(KINDS) + 1))  # so that each kind and the noise come, however short the flood is

pytestmark = pytest.mark.torture


def noise(chance: random.Random) -> bytes:
    """Return bytes of every value with a newline now and then; no `stop`."""
    return chance.randbytes(1_000).replace(b"st", b"ts") + b"\x03\x01\x02\x04"


def flood(chance: random.Random) -> Iterator[tuple[float, bytes]]:
    """Yield (how long, what to send over and over)."""
    while True:
        for kind in KINDS:
            yield KIND_S, kind
        yield KIND_S, noise(chance)


def pour(device: Device, duration_s: float, seed: int = 1) -> tuple[int, bytes]:
    """Send without a pause, as fast as the pump reads. Return (bytes read, the pump's output)."""
    board, taken, said = device.sim.board, 0, b""
    end_ns = board.now_ns() + round(duration_s * 1e9)
    kinds = flood(random.Random(seed))
    while board.now_ns() < end_ns:
        kind_s, piece = next(kinds)
        until_ns = min(end_ns, board.now_ns() + round(kind_s * 1e9))
        while board.now_ns() < until_ns:
            while board.chip.host.unread() < AHEAD_BYTES:
                board.write(piece)
                taken += len(piece)
            board.run_until_ns(min(until_ns, board.now_ns() + 20_000_000))
            said = (said + device.sim.read())[-4096:]
    return taken, said


def alone(device: Device) -> None:
    """Return the list that gets the pump's output from now on."""
    device.client.close()
    device.sim.write(b"\n")
    device.sim.wait_until_idle()


@pytest.mark.rule("R1")
@pytest.mark.rule("R3")
@pytest.mark.rule("R10")
@pytest.mark.parametrize("seed", range(1, FLOODS + 1))
def test_a_flood_across_two_leases_changes_no_step_and_a_stop_acts_behind_it(device: Device, seed: int, record_property: Figures) -> None:
    board = device.sim.board
    device.begin(constant(RATE_NL))
    before = device.client.status()
    device.run_for(BEFORE_RENEWAL_S - (min(FLOOD_S, 20) - 4) / 2)
    alone(device)
    taken, said = pour(device, FLOOD_S, seed)
    assert board.chip.resets == 0 and device.sim.enable_level(), said
    asked_ns = board.now_ns()
    board.write(b"\nstop\n")
    assert board.run_until(lambda: not device.sim.enable_level(), 10), said
    stop_s = (device.sim.motor.last_step_ns - asked_ns) / 1e9
    device.run_for(2)
    status = device.client.status()
    counters = status["counters"]
    record_property(
        "figure",
        f"a flood of {FLOOD_S:g} s, emulated: {taken} bytes taken, {counters['shed_lines']} lines dropped, {counters['bad_lines']} bad, "
        f"{counters['memory_errors']} without memory; last edge {max(0, stop_s):.2f} s after it, {status['free_memory_bytes']} free",
    )
    assert b">>>" not in said and b"pypypy" not in said
    assert (status["state"], status["alarms"], status["boot"]) == ("stopped", [], before["boot"])
    assert status["leased_steps"] > before["leased_steps"], "no lease was renewed"
    assert status["delivered_steps"] == device.sim.plant_steps()
    assert status["guard_steps"] - before["guard_steps"] == status["delivered_steps"] - before["delivered_steps"]
    assert stop_s <= STOP_WITHIN_S
    edges = board.pins.rises(device.sim.motor.counted_gpio)[-device.sim.plant_steps() :]
    pair = device.calibration()
    ideal_ns = 3600e9 * pair.volume_nl / (RATE_NL * pair.steps)
    intervals = [after - earlier for earlier, after in itertools.pairwise(edges)]
    assert max(abs(interval - ideal_ns) for interval in intervals[1:]) < 2_000


@pytest.mark.rule("R1")
@pytest.mark.rule("R10")
def test_a_flood_across_a_reset_is_never_read_by_a_prompt(device: Device) -> None:
    board = device.sim.board
    device.begin(constant(RATE_NL))
    alone(device)
    pour(device, 1)
    device.sim.reset()
    steps = device.sim.plant_steps()
    seen, end_ns = b"", board.now_ns() + 6_000_000_000
    while board.now_ns() < end_ns:
        if board.chip.host.unread() < AHEAD_BYTES:
            board.write(TYPED)
        board.run_until_ns(board.now_ns() + 20_000_000)
        seen += device.sim.read()
    board.write(b"\nstop\n")
    board.run_until_quiet(30)
    seen += device.sim.read()
    assert b">>>" not in seen and b"Traceback" not in seen and b"pypypy" not in seen, seen[-500:]
    assert device.sim.plant_steps() == steps and not device.sim.enable_level()
    status = device.client.status()
    assert (status["state"], status["boot"], status["last_error"]) == ("stopped", 2, "")
