"""The bench file on the host: read and checked with the pump's own code, without the parts for people."""

import json
from pathlib import Path

import pytest
import tomlkit
from hypothesis import event, given
from hypothesis import strategies as st

from pumpcore.bench.bench import COILS as COIL_KIND
from pumpcore.bench.bench import DRIVERS, HIGHEST_HZ, KEYS, STYLE_MICROSTEPS, Bench, BenchError, parse
from support.pump.bench_tables import COILS, SENSED, SIM, STEP_DIR, changed
from thecal.errors import BadInput
from thecal.files.bench import FOR_PEOPLE, checked, for_pump, payload, read_bench, read_tables
from thecal.files.resources import hardware_folder
from thecal.files.toml_bounds import UNSEEN

SHIPPED = sorted(hardware_folder().glob("*.toml"))
LARGEST_PAYLOAD_BYTES = 1_200
PEOPLE = {
    "parts": {"R1": {"part": "resistor-4k7", "place": "at the driver"}},
    "wiring": {"harness": {"a": []}, "board": {"step": ["PICO:step"]}},
    "board": {"columns": 60},
    "measured": {"R1.ohm": {"value": 4_690, "by": "me"}},
}

U48 = st.integers(1, 1 << 48)
U32 = st.integers(1, (1 << 32) - 1)
FREE_GPIO = [*range(23), 26, 27, 28]
OPTIONAL = ("bolus_button", "buzzer", "led", "motor_supply")


@st.composite
def motors(draw: st.DrawFn) -> dict:
    driver = draw(st.sampled_from(DRIVERS))
    kind = "sim" if driver == "sim" else COIL_KIND if driver in ("drv8833", "l298n") else "step_dir"
    rate_hz = draw(st.integers(1, HIGHEST_HZ[kind]))
    motor = {"driver": driver, "max_rate_hz": rate_hz, "microsteps": 8, "direction": draw(st.sampled_from(("forward", "reverse")))}
    if kind == COIL_KIND:
        motor["coil_style"] = draw(st.sampled_from(sorted(STYLE_MICROSTEPS)))
        motor["microsteps"] = STYLE_MICROSTEPS[motor["coil_style"]]
    if draw(st.booleans()):
        motor |= {"start_rate_hz": draw(st.integers(1, rate_hz)), "acceleration_hz_per_s": draw(st.integers(1, 1_000_000))}
    return motor


@st.composite
def pin_tables(draw: st.DrawFn, coils: bool, clock_chip: bool) -> dict:
    """Valid pins, anywhere on the board."""
    pins, free = {}, set(FREE_GPIO)
    if coils:
        first = draw(st.integers(0, 19))
        pins = {name: first + place for place, name in enumerate(("coil_a1", "coil_a2", "coil_b1", "coil_b2"))}
    if clock_chip:
        pairs = [(sda, scl) for sda in range(0, 22, 2) for scl in range(1, 23, 2) if sda // 2 % 2 == scl // 2 % 2]
        pins["clock_sda"], pins["clock_scl"] = draw(st.sampled_from([pair for pair in pairs if not set(pair) & set(pins.values())]))
    free -= set(pins.values())
    pins["enable"] = draw(st.sampled_from(sorted(free - {26, 27, 28})))
    free.discard(pins["enable"])
    if draw(st.booleans()):
        pins["motor_supply"] = draw(st.sampled_from((26, 27, 28)))
        free.discard(pins["motor_supply"])
    others = ["stop_button", *(("strobe",) if coils else ("step", "dir")), *draw(st.sets(st.sampled_from(("bolus_button", "buzzer"))))]
    pins |= dict(zip(others, draw(st.permutations(sorted(free))), strict=False))
    if draw(st.booleans()):
        pins["led"] = 25
    return pins


@st.composite
def benches(draw: st.DrawFn) -> dict:
    """Any valid bench."""
    motor, clock_chip = draw(motors()), draw(st.booleans())
    name = draw(st.text(st.characters(exclude_categories=UNSEEN), min_size=1, max_size=40))
    table = {"name": name, "target": "sim" if motor["driver"] == "sim" else "rp2", "clock_chip": clock_chip, "motor": motor}
    table["ceilings"] = {"rate_nl": draw(U48), "rate_seconds_s": draw(st.integers(1, 1 << 31)), "hour_nl": draw(U48), "day_nl": draw(U48)}
    table["calibration"] = {"volume_nl": draw(U32), "steps": draw(U32), "state": draw(st.sampled_from(("CALIBRATED", "UNCALIBRATED")))}
    if table["target"] == "rp2":
        table["pins"] = draw(pin_tables("coil_style" in motor, clock_chip))
        if "motor_supply" in table["pins"]:
            low_mv = draw(st.integers(1_000, 59_999))
            full_mv = draw(st.integers(max(3_300, low_mv + 1), 60_000))
            motor |= {"supply_full_scale_mv": full_mv, "supply_low_mv": low_mv}
            motor |= {"supply_high_mv": draw(st.integers(low_mv + 1, full_mv))} if draw(st.booleans()) else {}
    return table | (PEOPLE if draw(st.booleans()) else {})


@st.composite
def damaged_benches(draw: st.DrawFn) -> dict:
    """A good bench with one value changed, mostly to a wrong one."""
    table = draw(benches())
    paths = [key if type(value) is not dict else f"{key}.{inner}" for key, value in table.items() if key in KEYS for inner in _keys(value)]
    values = st.one_of(st.integers(-1, 30), U48, st.booleans(), st.sampled_from(("rp2", "sim", "a4988", "double", "reverse", "")))
    return changed(table, {draw(st.sampled_from(paths)): draw(values)})


def _keys(value: object) -> list:
    return list(value) if isinstance(value, dict) else [""]


def written(folder: Path, table: dict) -> Path:
    file = folder / "bench.toml"
    file.write_text(tomlkit.dumps(table), encoding="utf-8")
    return file


@given(table=benches())
def test_every_bench_within_the_rules_reaches_the_pump_whole_and_small(table: dict, tmp_path_factory: pytest.TempPathFactory) -> None:
    sent = payload(read_bench(written(tmp_path_factory.getbasetemp(), table)))
    assert len(sent) <= LARGEST_PAYLOAD_BYTES
    read, meant = vars(parse(sent)), vars(Bench(for_pump(table)))
    assert read.pop("calibration").describe() == meant.pop("calibration").describe()
    assert read == meant


@given(table=damaged_benches())
def test_the_host_takes_exactly_what_the_pump_takes(table: dict, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = written(tmp_path_factory.getbasetemp(), table)
    try:
        sent = payload(read_bench(file))
    except BadInput as refused:
        event("refused")
        with pytest.raises(BenchError) as complaint:
            parse(payload(read_tables(file)))
        assert str(complaint.value) in refused.cause
    else:
        event("taken")
        assert len(sent) <= LARGEST_PAYLOAD_BYTES
        parse(sent)


def test_the_longest_bench_is_still_small() -> None:
    """Every key, each at its longest."""
    motor = {"max_rate_hz": 2_000, "start_rate_hz": 2_000, "acceleration_hz_per_s": 1_000_000}
    motor |= {"supply_full_scale_mv": 60_000, "supply_low_mv": 10_000, "supply_high_mv": 60_000}
    pins = {"coil_a1": 10, "coil_a2": 11, "coil_b1": 12, "coil_b2": 13, "strobe": 14, "enable": 15, "stop_button": 16}
    pins |= {"bolus_button": 17, "buzzer": 18, "led": 25, "clock_sda": 20, "clock_scl": 21, "motor_supply": 26}
    ceilings = {"rate_nl": 1 << 48, "rate_seconds_s": 1 << 31, "hour_nl": 1 << 48, "day_nl": 1 << 48}
    pair = {"volume_nl": (1 << 32) - 1, "steps": (1 << 32) - 1, "state": "UNCALIBRATED"}
    longest = COILS | {"name": "\U0001f4a7" * 40, "clock_chip": True, "pins": pins, "ceilings": ceilings, "calibration": pair}
    longest["motor"] = COILS["motor"] | motor
    Bench(longest)
    assert len(payload(longest)) <= LARGEST_PAYLOAD_BYTES


def test_a_bench_file_with_every_sensor_is_read_and_still_small(tmp_path: Path) -> None:
    """No pump runs it yet: the sensors are reserved."""
    table = read_bench(written(tmp_path, SENSED | PEOPLE))
    assert for_pump(table) == SENSED and checked(table).name == SENSED["name"]
    pins = {**SENSED["pins"], "bolus_button": 17, "buzzer": 16, "led": 25, "motor_supply": 26}
    longest = {**SENSED, "name": "\U0001f4a7" * 40, "pins": pins}
    assert len(payload(longest)) <= LARGEST_PAYLOAD_BYTES


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_the_benches_that_come_with_thecal_are_taken(file: Path) -> None:
    bench = parse(payload(read_bench(file)))
    assert bench.name == file.stem and bench.calibration.state == "UNCALIBRATED"
    assert len(payload(read_bench(file))) <= LARGEST_PAYLOAD_BYTES


def test_there_is_a_real_bench_for_each_kind_of_motor() -> None:
    assert {parse(payload(read_bench(file))).kind for file in SHIPPED} == set(HIGHEST_HZ)


def test_what_is_for_people_does_not_reach_the_pump(tmp_path: Path) -> None:
    table = STEP_DIR | PEOPLE
    read = read_bench(written(tmp_path, table))
    assert read == table
    assert json.loads(payload(read)) == STEP_DIR
    assert set(FOR_PEOPLE) == set(PEOPLE) and not set(FOR_PEOPLE) & set(KEYS)


def test_an_unknown_table_is_not_stripped_but_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="supply is not a key of a bench"):
        read_bench(written(tmp_path, STEP_DIR | {"supply": {"volts": 12}}))


def test_a_bench_that_the_pump_would_refuse_is_refused_with_file_and_key(tmp_path: Path) -> None:
    file = written(tmp_path, changed(STEP_DIR, {"pins.dir": 2}))
    with pytest.raises(BadInput) as caught:
        read_bench(file)
    assert caught.value.cause == f"{file}: pins.dir and pins.step are both GPIO 2: give each its own"
    assert "hardware/README.md" in caught.value.do


def test_a_file_that_can_t_be_read_is_told_with_what_to_do(tmp_path: Path) -> None:
    file = tmp_path / "bench.toml"
    with pytest.raises(BadInput, match="No such file"):
        read_bench(file)
    file.write_bytes(b'name = "\xff"')
    with pytest.raises(BadInput, match="UTF-8"):
        read_bench(file)
    file.write_text("name = sim")
    with pytest.raises(BadInput) as caught:
        read_bench(file)
    assert caught.value.do == 'correct that line; write it like: key = "text"'


def test_the_payload_is_the_same_bytes_whatever_the_order(tmp_path: Path) -> None:
    turned = dict(reversed(SIM.items())) | {"motor": dict(reversed(SIM["motor"].items()))}
    assert payload(turned) == payload(SIM) and b" " not in payload(SIM)
