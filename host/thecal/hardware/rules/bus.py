"""E9: the I2C buses: addresses, pull-ups, rise time at the bus's length and frequency."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from thecal.hardware.rig import Part
from thecal.hardware.rules.circuit import Circuit
from thecal.hardware.rules.finding import Finding, ohms
from thecal.hardware.rules.network import resistance
from thecal.hardware.rules.roles import Roles

RULE = "E9"
LEAST_OHM, MOST_OHM = 1_000, 11_000
# The firmware's clock driver (hal/rp2/clock.py) asks the chip at this frequency, by this address.
CLOCK_HZ, CLOCK_ADDRESS = 100_000, 0x68
# Longest rise time by the I2C specification, in ns: up to 100 kHz, up to 400 kHz.
RISE_NS = ((100_000, 1_000), (400_000, 300))
# From 30 to 70 % of an RC step.
RISE_FACTOR = 0.8473
PIN_PF, BOARD_PF, LEADS_PF = 10, 30, 100
KINDS = {"clock": "clock_module", "sensor": "sensor_module"}


def _modules(circuit: Circuit, bus: str) -> list[Part]:
    return [part for part in circuit.of_kind(KINDS[bus]) if "SDA" in part.library.terminals]


def addresses_are_unique(circuit: Circuit, known: Roles) -> Iterator[Finding]:
    """Find two modules of one bus that may have the same address, and a clock that is not where the firmware asks."""
    for bus in KINDS:
        held: dict[int, list[str]] = defaultdict(list)
        for part in _modules(circuit, bus):
            low, high = circuit.value(part.mark, "address")
            for address in range(low, high + 1):
                held[address].append(part.mark)
            if bus == "clock" and not low <= CLOCK_ADDRESS <= high:
                text = f"{part.mark} answers at 0x{low:02x}; the firmware asks the clock at 0x{CLOCK_ADDRESS:02x}"
                yield Finding(RULE, text, "take a DS3231 module", circuit.pin("clock_sda"), (part.mark,))
        for address, marks in held.items():
            if len(marks) > 1:
                text = f"{' and '.join(marks)} may both answer at 0x{address:02x} on the {bus} bus"
                yield Finding(RULE, text, "take a module of another address, or another bus", circuit.pin(f"{bus}_sda"), tuple(marks))


def pull_ups(circuit: Circuit, known: Roles) -> Iterator[Finding]:
    """Find bus lines without a pull-up to the Pico's 3V3, or with one that is too strong or too weak."""
    for bus in KINDS:
        for wire in ("sda", "scl"):
            net = circuit.pin(f"{bus}_{wire}")
            if not net:
                continue
            low, high = _pull_ohm(circuit, net)
            if not high:
                text = f"the {bus} bus has no pull-up on {net}"
                yield Finding(RULE, text, "4.7 kOhm from it to the Pico's 3V3", net, ("PICO",))
            elif low < LEAST_OHM or high > MOST_OHM:
                text = f"the pull-ups on {net} are {ohms(low)} to {ohms(high)} together; they must be 1 to 10 kOhm"
                yield Finding(RULE, text, "4.7 kOhm from it to the Pico's 3V3", net, ("PICO",), f"{ohms(low)} to {ohms(high)}")


def _pull_ohm(circuit: Circuit, net: str) -> tuple[float, float]:
    """Return lowest and highest Ohm of all pull-ups at a bus line together; (0, 0) without one."""
    rail = circuit.net("PICO", "3V3")
    spans = [resistance(circuit, element.mark) for element in circuit.between("resistor", net, rail)]
    for node in circuit.nodes(net):
        terminal = circuit.terminal(node)
        if terminal.pull == "up" and circuit.kind_of(node) in KINDS.values() and circuit.net(node[0], terminal.pull_to) == rail:
            spans.append(tuple(map(float, circuit.rating(node, "pull_ohm"))))  # type: ignore[arg-type]
    if not spans:
        return 0.0, 0.0
    return 1 / sum(1 / low for low, _ in spans), 1 / sum(1 / high for _, high in spans)


def rise_times(circuit: Circuit, known: Roles) -> Iterator[Finding]:
    """Find a bus whose lines rise too slowly for its frequency."""
    for bus in KINDS:
        net = circuit.pin(f"{bus}_sda")
        modules = _modules(circuit, bus)
        if not (net and modules):
            continue
        hz = CLOCK_HZ if bus == "clock" else int(circuit.rig.bench.get("sensors", {}).get("bus_hz", CLOCK_HZ))
        most_hz = min(circuit.value(part.mark, "bus_max_hz")[0] for part in modules)
        if hz > most_hz:
            text = f"the {bus} bus runs at {hz} Hz, and its modules bear {most_hz} Hz"
            yield Finding(RULE, text, f"write bus_hz = {CLOCK_HZ}", net, tuple(part.mark for part in modules), f"{hz} of {most_hz} Hz")
        leads_pf = sum(BOARD_PF if part.library.mount == "board" else LEADS_PF for part in modules)
        farads_pf = PIN_PF + leads_pf + sum(circuit.value(part.mark, "bus_pf")[1] for part in modules)
        weakest_ohm = max(_pull_ohm(circuit, circuit.pin(f"{bus}_{wire}"))[1] for wire in ("sda", "scl"))
        rise_ns = RISE_FACTOR * weakest_ohm * farads_pf / 1000
        limit_ns = next((limit for most, limit in RISE_NS if hz <= most), 0)
        if rise_ns > limit_ns:
            text = f"the {bus} bus rises in {rise_ns:.0f} ns with {farads_pf} pF; at {hz} Hz it must rise in {limit_ns} ns"
            yield Finding(
                RULE, text, "take smaller pull-ups (4.7 kOhm), shorter leads, or 100 kHz", net, ("PICO",), f"{rise_ns:.0f} of {limit_ns} ns"
            )


RULES = {"E9": (addresses_are_unique, pull_ups, rise_times)}
