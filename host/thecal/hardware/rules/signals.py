"""E8: every pin of the Pico reaches its counterpart, the coils are paired, and the straps make the microsteps of the bench."""

from __future__ import annotations

from collections.abc import Iterator

from pumpcore.bench.bench import COIL_NAMES
from thecal.hardware import nets
from thecal.hardware.rules import roles
from thecal.hardware.rules.circuit import Circuit
from thecal.hardware.rules.finding import Finding, listed
from thecal.hardware.rules.network import State, resistance, voltages
from thecal.hardware.rules.roles import Roles

RULE = "E8"
MOST_SERIES_OHM = 1_050
UNWIRED = ("led", "strobe")


def every_pin_reaches_its_counterpart(circuit: Circuit, known: Roles) -> Iterator[Finding]:
    """Find pins of the Pico that do not reach the terminal that they are for, directly or through at most 1 kOhm."""
    for name in circuit.rig.pins:
        if name in UNWIRED:
            yield from _without_a_wire(circuit, name)
            continue
        role = _counterpart(name)
        target = known.net_with(role)
        here = circuit.pin(name)
        if role and not (target and here and _joined(circuit, here, target)):
            names = [nets.show(node) for node in known.by_net.get(target, {}).get(role, [])]
            goal = names[0] if names else role
            text = f"PICO:{name} does not reach {goal}: its net {here or '(no wire)'} holds {', '.join(circuit.names(here)) or 'nothing'}"
            yield Finding(RULE, text, f"wire PICO:{name} to {goal}, through 1 kOhm at most", here, ("PICO",))


def _without_a_wire(circuit: Circuit, name: str) -> Iterator[Finding]:
    if circuit.pin(name):
        yield Finding(
            RULE, f"PICO:{name} has a wire; the firmware uses it inside the Pico only", "take the wire away", circuit.pin(name), ("PICO",)
        )


def _counterpart(name: str) -> str:
    """Return the role of the net that a pin must reach; an empty text if rules of their own look at the pin."""
    if name in ("step", "dir", "enable", *COIL_NAMES):
        return roles.line(name)
    return ""


def _joined(circuit: Circuit, here: str, there: str) -> bool:
    """Return True for one net, or two with at most 1 kOhm between them."""
    if here == there:
        return True
    series = [resistance(circuit, element.mark)[1] for element in circuit.between("resistor", here, there)]
    return bool(series) and min(series) <= MOST_SERIES_OHM


def every_line_has_its_pin(circuit: Circuit, known: Roles) -> Iterator[Finding]:
    """Find inputs of the driver, such as STEP, for which the bench has no pin."""
    for net, held in known.by_net.items():
        for name in ("step", "dir", "enable", *COIL_NAMES):
            if roles.line(name) in held and name not in circuit.rig.pins:
                yield Finding(RULE, f"{nets.show(held[roles.line(name)][0])} waits for a pin {name}, which [pins] has not", "add it", net)
    driver = circuit.driver
    for terminal in driver.library.terminals.values():
        if terminal.type == "input" and not circuit.net(driver.mark, terminal.name):
            yield Finding(RULE, f"{driver.mark}:{terminal.name} is an input and has no wire", "wire it to its pin", parts=(driver.mark,))


def clock_lines(circuit: Circuit, known: Roles) -> Iterator[Finding]:
    """Find SDA and SCL that are crossed or open, at the clock and at the sensors."""
    for part in circuit.of_kind("clock_module", "sensor_module"):
        bus = "clock" if part.library.kind == "clock_module" else "sensor"
        for wire in ("SDA", "SCL"):
            name = f"{bus}_{wire.lower()}"
            net = circuit.net(part.mark, wire)
            if wire in part.library.terminals and (not net or net != circuit.pin(name)):
                text = f"{part.mark}:{wire} is not on the net of PICO:{name}, but on {net or 'none'}"
                yield Finding(RULE, text, f"wire {part.mark}:{wire} to PICO:{name}", net, (part.mark, "PICO"))
    if circuit.bench.clock_chip != bool(circuit.of_kind("clock_module")):
        text = "clock_chip and a clock module in [parts] go together: this bench has only one of them"
        yield Finding(RULE, text, "add the module, or set clock_chip = false", parts=("PICO",))


def coils_are_paired(circuit: Circuit, known: Roles) -> Iterator[Finding]:
    """Find motor leads that do not end at the driver's terminal of the same coil and end."""
    driver = circuit.driver
    outputs = {f"{one.coil}{one.name[-1]}": one.name for one in driver.library.terminals.values() if one.type == "motor"}
    for part in circuit.of_kind("motor", "head"):
        for terminal in part.library.terminals.values():
            if terminal.type != "motor":
                continue
            output = outputs.get(f"{terminal.coil}{terminal.name[-1]}", "")
            net = circuit.net(part.mark, terminal.name)
            if not net or net != circuit.net(driver.mark, output):
                goal = f"{driver.mark}:{output} (coil {terminal.coil})"
                text = f"{part.mark}:{terminal.name} is not at {goal}, but on the net {net or '(no wire)'}"
                yield Finding(RULE, text, f"wire {part.mark}:{terminal.name} to {driver.mark}:{output}", net, (part.mark, driver.mark))


def straps_make_the_microsteps(circuit: Circuit, known: Roles) -> Iterator[Finding]:
    """Find straps whose levels make other microsteps than [motor] says, or a terminal that must be tied and is not."""
    driver = circuit.driver
    wanted = {**driver.library.straps.get(circuit.bench.microsteps, {}), **driver.library.ties}
    if driver.library.straps and circuit.bench.microsteps not in driver.library.straps:
        made = ", ".join(map(str, sorted(driver.library.straps)))
        text = f"{driver.mark} makes {made} microsteps, and not the {circuit.bench.microsteps} of [motor]"
        yield Finding(RULE, text, "change microsteps, or the module", parts=(driver.mark,))
    held = voltages(circuit, known, State())
    for name, want in wanted.items():
        net = circuit.net(driver.mark, name)
        if want not in ("high", "low"):
            if not net or net != circuit.net(driver.mark, want):
                text = f"{driver.mark}:{name} must be joined to {driver.mark}:{want}"
                yield Finding(RULE, text, "add a link between them", net, (driver.mark,))
            continue
        level = _level(circuit, held, driver.mark, name)
        if level != want:
            goal = known.net_with(roles.LOGIC) if want == "high" else circuit.ground
            why = f"for {circuit.bench.microsteps} microsteps" if name not in driver.library.ties else "always"
            text = f"{driver.mark}:{name} must be {want} {why}; it is {level} (net {net or 'none'})"
            yield Finding(RULE, text, f"wire {driver.mark}:{name} to {goal or 'the high level'}", net, (driver.mark,))


def _level(circuit: Circuit, held: dict[str, tuple[float, float]], mark: str, name: str) -> str:
    net = circuit.net(mark, name)
    if net not in held:
        return "open"
    low_mv, high_mv = held[net]
    if low_mv >= circuit.rating((mark, name), "high_mv")[1]:
        return "high"
    return "low" if high_mv <= circuit.rating((mark, name), "low_mv")[0] else "between high and low"


def buzzer_is_there(circuit: Circuit, known: Roles) -> Iterator[Finding]:
    """Find a pin without its buzzer, or without the resistors that keep the voltage of a knock on the disc from it."""
    if "buzzer" not in circuit.rig.pins:
        return
    here, lead = circuit.pin("buzzer"), known.net_with(roles.lead("buzzer"))
    if not circuit.between("buzzer", lead, circuit.ground):
        text = f"PICO:buzzer does not reach a buzzer through a resistor: its net {here or '(no wire)'} holds {listed(circuit.names(here))}"
        yield Finding(RULE, text, "wire PICO:buzzer by 1 kOhm to the buzzer, and the buzzer's other end to ground", here, ("PICO",))
    elif not circuit.between("resistor", lead, circuit.ground):
        text = f"no resistor lies across the buzzer, from {lead} to ground: it takes the voltage of a knock on the disc"
        yield Finding(RULE, text, "put 10 kOhm across the buzzer", lead, ("PICO",))


RULES = {
    "E8": (
        every_pin_reaches_its_counterpart, every_line_has_its_pin, clock_lines, coils_are_paired, straps_make_the_microsteps,
        buzzer_is_there,
    ),
}  # fmt: skip
