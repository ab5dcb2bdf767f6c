"""The simulated AS5600: quantum, noise and nonlinearity of its angle, its registers, and a magnet or bus that fails."""

import statistics
from collections.abc import Iterator

import pytest

from support.rig import small_firmware
from support.rig.benches import named
from thecal.sim.control import Control, ControlServer
from thecal.sim.devices import RotorBus
from thecal.sim.errors import SimulatorError, WasiError
from thecal.sim.runner import SimulatedPump
from thecal.sim.timeline import Timeline
from thecal.sim.world.head import Head
from thecal.sim.world.head_text import head_of
from thecal.sim.world.individual import Individual
from thecal.sim.world.outlet import Outlet
from thecal.sim.world.rotor import Rotor
from thecal.sim.world.rotor_sensor import FAULTS, RotorSensor

STATUS, RAW_ANGLE, ANGLE, AGC, MAGNITUDE, ZPOS, BURN = 0x0B, 0x0C, 0x0E, 0x1A, 0x1B, 0x01, 0xFF
MD, ML, MH = 0x20, 0x10, 0x08
MS = 1_000_000
IO_ERROR, TIMED_OUT, INVALID = 29, 73, 28
TURN_STEPS = 3200


def made(seed: int = 1, reverse: bool = False) -> tuple[Rotor, RotorSensor]:
    head = Head(head_of("even,start=0deg"), named(), Individual(seed))
    rotor = Rotor(head, Outlet(head), named(), Individual(seed))
    return rotor, RotorSensor(rotor, reverse)


def word(sensor: RotorSensor, register: int, now_ns: int = 0) -> int:
    return int.from_bytes(sensor.read(register, 2, now_ns), "big")


def off_deg(counts: int, true_deg: float) -> float:
    """Return the difference of two angles, from -180 to 180."""
    return (counts / 4096 * 360 - true_deg + 180) % 360 - 180


def test_the_angle_has_4096_counts_a_turn() -> None:
    rotor, sensor = made()
    seen = set()
    for step in range(TURN_STEPS):
        rotor.follow(step * MS, step * MS, step, 1)
        counts = word(sensor, RAW_ANGLE, step * MS)
        assert 0 <= counts < 4096
        seen.add(counts)
        assert abs(off_deg(counts, sensor.bent_deg(rotor.degrees))) < 5 * 0.05 + 0.1
    assert len(seen) > 2_000


def test_the_noise_has_its_size_and_changes_with_each_sample() -> None:
    rotor, sensor = made()
    rotor.turn(0, 33.3)
    errors = [off_deg(word(sensor, RAW_ANGLE, sample * 150_000), sensor.bent_deg(rotor.degrees)) for sample in range(4_000)]
    assert statistics.pstdev(errors) == pytest.approx((0.05**2 + (360 / 4096) ** 2 / 12) ** 0.5, rel=0.1)
    assert statistics.mean(errors) == pytest.approx(-360 / 4096 / 2, abs=0.01), "a quantum rounds down"
    assert word(sensor, RAW_ANGLE, 10 * MS) == word(sensor, RAW_ANGLE, 10 * MS), "one sample is one number"


@pytest.mark.parametrize("seed", range(6))
def test_the_nonlinearity_stays_within_a_degree_and_returns_after_a_turn(seed: int) -> None:
    _, sensor = made(seed)
    bent = [sensor.bent_deg(degrees / 4) - degrees / 4 for degrees in range(4 * 360 + 1)]
    middle = statistics.mean(bent[:-1])
    assert 0.3 < max(abs(one - middle) for one in bent) <= 1.0
    assert bent[-1] == pytest.approx(bent[0])


def test_each_pump_has_a_magnet_of_its_own() -> None:
    assert len({word(made(seed)[1], RAW_ANGLE) for seed in range(20)}) > 15


def test_a_reversed_chip_counts_down() -> None:
    changes = []
    for reverse in (False, True):
        rotor, sensor = made(2, reverse)
        before = word(sensor, RAW_ANGLE)
        rotor.turn(MS, 30.0)
        changes.append(off_deg(word(sensor, RAW_ANGLE, MS), before / 4096 * 360))
    assert changes == [pytest.approx(30, abs=2.2), pytest.approx(-30, abs=2.2)]


def test_registers_are_those_of_the_data_sheet() -> None:
    _, sensor = made()
    counts = word(sensor, RAW_ANGLE)
    assert sensor.read(STATUS, 3, 0) == bytes((MD, counts >> 8, counts & 0xFF))
    assert sensor.read(AGC, 1, 0) == bytes((64,))
    assert 0 < word(sensor, MAGNITUDE) < 4096
    sensor.write(ZPOS, (100).to_bytes(2, "big"))
    assert sensor.read(ZPOS, 2, 0) == b"\x00\x64"
    assert word(sensor, ANGLE) == (counts - 100) % 4096
    assert word(sensor, RAW_ANGLE) == counts
    assert sensor.read(RAW_ANGLE, 4, 0) == sensor.read(RAW_ANGLE, 2, 0) * 2 != sensor.read(STATUS, 5, 0)[1:], "the pointer stays"
    sensor.write(BURN, b"\x80")
    sensor.write(STATUS, b"\xff")
    assert sensor.read(STATUS, 1, 0) == bytes((MD,)), "read only"
    sensor.power_up()
    assert sensor.read(ZPOS, 2, 0) == b"\x00\x00", "nothing was burnt"


@pytest.mark.parametrize(
    ("fault", "status", "gain"), [("magnet_lost", ML, 128), ("magnet_weak", MD | ML, 128), ("magnet_strong", MD | MH, 0)]
)
def test_a_magnet_that_is_not_right_shows_in_status_and_gain(fault: str, status: int, gain: int) -> None:
    rotor, sensor = made()
    sensor.set_fault(fault, 0)
    assert (sensor.read(STATUS, 1, 0)[0], sensor.read(AGC, 1, 0)[0]) == (status, gain)
    errors = [abs(off_deg(word(sensor, RAW_ANGLE, sample * MS), sensor.bent_deg(rotor.degrees))) for sample in range(200)]
    assert (max(errors) > 90) == (fault == "magnet_lost"), "without a magnet any angle"
    assert (max(errors) > 0.6) == (fault != "magnet_strong")
    sensor.set_fault("none", 0)
    assert sensor.read(STATUS, 1, 0)[0] == MD


def test_a_frozen_chip_shows_the_angle_of_then_until_it_is_powered_up() -> None:
    rotor, sensor = made()
    sensor.set_fault("frozen", 0)
    before = word(sensor, RAW_ANGLE)
    rotor.turn(MS, 40.0)
    assert word(sensor, RAW_ANGLE, 5 * MS) == before
    sensor.power_up()
    assert off_deg(word(sensor, RAW_ANGLE, 5 * MS), before / 4096 * 360) == pytest.approx(40, abs=2.2)


class Bus:
    """The device file of a sensor, with time that can be seen."""

    def __init__(self) -> None:
        self.timeline = Timeline(None)
        self.rotor, self.sensor = made()
        self.device = RotorBus(self.timeline, lambda: self.timeline.now_ns, self.sensor)

    def read(self, register: int, size_bytes: int) -> bytes:
        view = memoryview(bytearray(8 + size_bytes))
        view[8] = register
        assert self.device.read_into(view, 8, size_bytes) == size_bytes
        return bytes(view[8:])


@pytest.fixture
def bus() -> Iterator[Bus]:
    return Bus()  # type: ignore[return-value]


def test_a_read_names_its_register_in_the_buffer(bus: Bus) -> None:
    assert bus.read(STATUS, 3) == bus.sensor.read(STATUS, 3, 0)
    assert bus.read(RAW_ANGLE, 2) == bus.sensor.read(RAW_ANGLE, 2, 0)
    bus.device.write(b"\x00\x01\x00\x64")
    assert bus.read(ZPOS, 2) == b"\x00\x64"
    assert bus.timeline.now_ns == 0
    for wrong in (b"", b"\x00", b"\x02", b"\x07\x01"):
        with pytest.raises(WasiError) as caught:
            bus.device.write(wrong)
        assert caught.value.number == INVALID


@pytest.mark.parametrize("act", [lambda bus: bus.read(STATUS, 1), lambda bus: bus.device.write(b"\x00\x01\x00\x00")])
@pytest.mark.parametrize(
    ("fault", "number", "lasts_ms"), [("absent", IO_ERROR, 0), ("bus_held", TIMED_OUT, 50), ("bus_stuck", TIMED_OUT, 50)]
)
def test_a_bus_that_fails_says_how_and_takes_its_time(bus: Bus, act: object, fault: str, number: int, lasts_ms: int) -> None:
    bus.sensor.set_fault(fault, 0)
    with pytest.raises(WasiError) as caught:
        act(bus)  # type: ignore[operator]
    assert (caught.value.number, bus.timeline.now_ns) == (number, lasts_ms * MS)


def test_nine_clocks_free_a_chip_that_was_cut_off_and_no_wire_at_ground(bus: Bus) -> None:
    for fault, freed in (("bus_stuck", True), ("bus_held", False), ("absent", False)):
        bus.sensor.set_fault(fault, 0)
        bus.device.write(b"\x01")
        assert (bus.sensor.fault == "none") == freed


def test_unknown_faults_are_named() -> None:
    with pytest.raises(SimulatorError) as caught:
        made()[1].set_fault("magnet", 0)
    assert all(fault in caught.value.do for fault in FAULTS)


def test_a_pump_has_the_sensor_that_its_bench_names_or_none() -> None:
    bench = named()
    bench["sensors"] = {"rotor": {"chip": "as5600", "address": 0x36, "direction": "reverse"}}
    for table, options, found in ((named(), {}, False), (named(), {"rotor_sensor": True}, True), (bench, {}, True)):
        with SimulatedPump(table, 1, image=small_firmware.image(), virtual=True, **options) as sim:
            if not found:
                with pytest.raises(SimulatorError, match="no rotor sensor"):
                    sim.sensor_fault("magnet_lost")
                continue
            server = ControlServer(sim)
            host, _, port = server.address.rpartition(":")
            with Control(host, int(port), server.secret) as control:
                control.sensor_fault("magnet_lost")
                assert sim.rotor_sensor.fault == "magnet_lost"
                with pytest.raises(SimulatorError, match="not a fault"):
                    control.sensor_fault("magnet")
            server.close()


def test_the_firmware_reads_it_by_its_device_file() -> None:
    with small_firmware.pump(rotor_sensor=True) as sim:
        sim.advance(1_000)
        small_firmware.ask(sim, "!f = open('/dev/rotor', 'r+b'); buffer = bytearray(3); buffer[0] = 11; f.readinto(buffer)")
        status, high, low = small_firmware.ask(sim, "list(buffer)")  # type: ignore[misc]
        assert status == MD
        shown = high << 8 | low
        assert abs(off_deg(shown, sim.rotor_sensor.bent_deg(sim.rotor_degrees()))) < 0.4
        sim.turn_rotor(90.0)
        small_firmware.ask(sim, "!buffer[0] = 11; f.readinto(buffer)")
        assert small_firmware.ask(sim, "buffer[1] << 8 | buffer[2]") == sim.rotor_sensor.counts(1_000 * MS)
        sim.sensor_fault("bus_stuck")
        before_ms = small_firmware.ask(sim, "b.clock.uptime_ms()")
        small_firmware.ask(sim, "!import errno; buffer[0] = 11")
        assert small_firmware.ask(sim, "f.readinto(buffer)") == f"OSError({small_firmware.ask(sim, 'errno.ETIMEDOUT')},)"
        after_ms = small_firmware.ask(sim, "b.clock.uptime_ms()")
        assert after_ms == before_ms + 50  # type: ignore[operator]
        small_firmware.ask(sim, "f.write(bytes([1]))")
        small_firmware.ask(sim, "!buffer[0] = 11; f.readinto(buffer)")
        assert small_firmware.ask(sim, "buffer[0]") == MD
        sim.sensor_fault("absent")
        assert small_firmware.ask(sim, "f.readinto(buffer)") == f"OSError({small_firmware.ask(sim, 'errno.EIO')},)"
    with small_firmware.pump() as sim:
        sim.advance(1_000)
        small_firmware.ask(sim, "!import errno")
        no_entry = f"OSError({small_firmware.ask(sim, 'errno.ENOENT')},)"
        assert small_firmware.ask(sim, "open('/dev/rotor', 'r+b')") == no_entry
