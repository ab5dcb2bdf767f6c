"""E10: the stop button opens to stop, with its own ground and its RC; the bolus button closes to order."""

from __future__ import annotations

from collections.abc import Iterator

from thecal.hardware import nets, pico
from thecal.hardware.rig import Part
from thecal.hardware.rules import roles
from thecal.hardware.rules.circuit import Circuit, Element
from thecal.hardware.rules.finding import Finding, listed, ohms, span
from thecal.hardware.rules.network import CONTACT_OHM, State, capacitance_nf, resistance, voltages
from thecal.hardware.rules.roles import Roles

RULE = "E10"
# Least and most Ohm of the resistor in series with a button's pin, and nF from the pin to ground: the firmware's programs look at 22 us.
SERIES_OHM, FILTER_NF, STOP_PULL_OHM = (470, 2_200), (4, 120), (1_000, 4_700)


def _pins(circuit: Circuit) -> list[str]:
    return [name for name in roles.BUTTONS if name in circuit.rig.pins]


def _lead(circuit: Circuit, known: Roles, name: str) -> str:
    """Return the net of the wire to a button: behind the resistor, else at the pin itself."""
    return known.net_with(roles.lead(name)) or circuit.pin(name)


def _contact(circuit: Circuit, known: Roles, name: str) -> Element | None:
    return next(iter(circuit.between("switch", _lead(circuit, known, name), circuit.ground)), None)


def contacts(circuit: Circuit, known: Roles) -> Iterator[Finding]:
    """Find a button that is missing, of the wrong kind, or not between its pin and ground."""
    for name in _pins(circuit):
        want = roles.BUTTONS[name]
        words = "normally closed (NC)" if want == "NC" else "normally open (NO)"
        found, net = _contact(circuit, known, name), _lead(circuit, known, name)
        if found is None:
            holds = listed(circuit.names(net)) or "nothing"
            text = f"PICO:{name} has no switch between its lead {net or '(no wire)'} and ground: it holds {holds}"
            yield Finding(RULE, text, f"a {words} contact from {net or 'its pin'} to {circuit.ground}", net, ("PICO",))
        elif circuit.rig.parts[found.mark].library.contact != want:
            has = circuit.rig.parts[found.mark].library.contact or "unknown"
            why = "a broken wire must stop" if want == "NC" else "a broken wire must order nothing"
            text = f"{found.mark} at PICO:{name} is {has}; it must be {words}: {why}"
            yield Finding(RULE, text, f"take a {words} contact", net, (found.mark,))


def filters(circuit: Circuit, known: Roles) -> Iterator[Finding]:
    """Find a button without its resistor in series or its capacitor at the pin: the motor's edges could hide a press."""
    for name in _pins(circuit):
        here, net = circuit.pin(name), _lead(circuit, known, name)
        series = [resistance(circuit, element.mark) for element in circuit.between("resistor", here, net)]
        if not any(SERIES_OHM[0] <= low and high <= SERIES_OHM[1] for low, high in series):
            text = f"PICO:{name} has no resistor of {ohms(SERIES_OHM[0])} to {ohms(SERIES_OHM[1])} in series with its lead"
            yield Finding(RULE, text, "put 1 kOhm between the lead and the pin, at the Pico", here, ("PICO",))
        least_nf, most_nf = capacitance_nf(circuit, here)
        if least_nf < FILTER_NF[0] or most_nf > FILTER_NF[1]:
            need = f"{FILTER_NF[0]} to {FILTER_NF[1]} nF"
            has = f"{least_nf:.0f} to {most_nf:.0f} nF" if most_nf else "no capacitor"
            text = f"PICO:{name} has {has} to ground; it needs {need}, so that the motor can't hide a press"
            yield Finding(RULE, text, "put 10 nF from the pin to ground, at the Pico", here, ("PICO",), has)


def the_stop_pull_up(circuit: Circuit, known: Roles) -> Iterator[Finding]:
    """Find a stop lead without its pull-up to the Pico's 3V3: pressed, the lead would hang on 50 kOhm and pick up noise."""
    net, rail = _lead(circuit, known, "stop_button"), circuit.net(pico.PART, "3V3")
    found = [resistance(circuit, element.mark) for element in circuit.between("resistor", net, rail)]
    if not any(STOP_PULL_OHM[0] * 0.98 <= low and high <= STOP_PULL_OHM[1] * 1.05 for low, high in found):
        has = ", ".join(ohms(high) for _, high in found) or "none"
        text = f"the stop button's lead (net {net or 'none'}) needs a pull-up of 1 to 4.7 kOhm to the Pico's 3V3; it has {has}"
        yield Finding(RULE, text, "put 3.3 kOhm from the lead to PICO:3V3", net, ("PICO",), has)


def contact_currents(circuit: Circuit, known: Roles) -> Iterator[Finding]:
    """Find a closed contact with less current than keeps it clean, or more than it bears."""
    for name in _pins(circuit):
        found = _contact(circuit, known, name)
        if found is None:
            continue
        least_ua, most_ua = _current_ua(circuit, known, name)
        need_ua, can_ma = circuit.value(found.mark, "contact_min_ua")[1], circuit.value(found.mark, "contact_max_ma")[0]
        if least_ua < need_ua or most_ua > can_ma * 1000:
            text = f"the closed contact of {found.mark} carries {least_ua:.0f} uA; it needs at least {need_ua} uA, at most {can_ma} mA"
            cure = "a smaller pull-up, or a contact of gold for small currents"
            yield Finding(RULE, text, cure, _lead(circuit, known, name), (found.mark,), f"{least_ua:.0f} uA, needs {need_ua} uA")


def _current_ua(circuit: Circuit, known: Roles, name: str) -> tuple[float, float]:
    """Return the least and most current through the closed contact, from the pull-up of the lead and the one inside the Pico."""
    low_mv, high_mv = circuit.rating((pico.PART, "3V3"), "out_mv")
    here, net, rail = circuit.pin(name), _lead(circuit, known, name), circuit.net(pico.PART, "3V3")
    inside = circuit.rating((pico.PART, name), "pull_ohm")
    series = [resistance(circuit, element.mark) for element in circuit.between("resistor", here, net)] or [(0.0, 0.0)]
    least, most = low_mv * 1000 / (inside[1] + series[0][1]), high_mv * 1000 / (inside[0] + series[0][0])
    for element in circuit.between("resistor", net, rail):
        low_ohm, high_ohm = resistance(circuit, element.mark)
        least, most = least + low_mv * 1000 / (high_ohm + CONTACT_OHM[1]), most + high_mv * 1000 / low_ohm
    return least, most


def levels(circuit: Circuit, known: Roles) -> Iterator[Finding]:
    """Find a button whose open or closed contact does not give the pin a clear level."""
    marks = frozenset(part.mark for part in circuit.of_kind("switch"))
    for name in _pins(circuit):
        for closed, want in ((marks, "low"), (frozenset[str](), "high")):
            held = voltages(circuit, known, State(closed=closed)).get(circuit.pin(name))
            node = (pico.PART, name)
            good = held is not None and (
                held[1] <= circuit.rating(node, "low_mv")[0] if want == "low" else held[0] >= circuit.rating(node, "high_mv")[1]
            )
            if not good:
                state = "closed" if closed else "open"
                text = f"with its contact {state} PICO:{name} must be {want}; it has {span(held) if held else 'no level'}"
                yield Finding(
                    RULE, text, "check switch, pull-up and series resistor", circuit.pin(name), ("PICO",), span(held) if held else ""
                )


def own_ground(circuit: Circuit, known: Roles) -> Iterator[Finding]:
    """Find a stop button whose ground wire shares its place with another wire: the other's current would move its level."""
    found = _contact(circuit, known, "stop_button")
    if found is None:
        return
    for terminal, net in zip(found.terminals, found.ends, strict=True):
        if net != circuit.ground:
            continue
        wires = [wire for wire in circuit.rig.wires if (found.mark, terminal) in [end.key for end in wire.ends]]
        for wire in wires:
            place = next(node for node in [end.key for end in wire.ends] if node != (found.mark, terminal))
            shared = [other for other in circuit.rig.wires if other is not wire and place in [end.key for end in other.ends]]
            if shared and circuit.rig.parts[place[0]].library.kind != "strip":
                text = f"the ground wire of {found.mark} shares {nets.show(place)} with another wire"
                yield Finding(RULE, text, "give it a terminal of its own", net, (found.mark,))


def spare_switches(circuit: Circuit, known: Roles) -> Iterator[Finding]:
    """Find a button in [parts] that no pin asks for."""
    used = {found.mark for name in _pins(circuit) if (found := _contact(circuit, known, name)) is not None}
    spare: list[Part] = [part for part in circuit.of_kind("switch") if part.mark not in used]
    for part in spare:
        yield Finding(RULE, f"{part.mark} ({circuit.what(part.mark)}) is at no button's pin", "wire it, or take it out", parts=(part.mark,))


RULES = {"E10": (contacts, filters, the_stop_pull_up, contact_currents, levels, own_ground, spare_switches)}
