"""The page to build and switch on a rig by: what to do in which order, and what a good rig shows at each probe point."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby

from thecal.hardware import pico, powerup, words
from thecal.hardware.draw.scheme import short
from thecal.hardware.figures import Figure
from thecal.hardware.powerup import Node, Reading
from thecal.hardware.rig import Part, Rig
from thecal.hardware.tables import table

FILE = "build.md"
_BELOW = f"{powerup.DISCHARGED_MV / 1_000:g} V"
# What a small head needs; more only if it slips, and with the motor's temperature in view.
_START_MA = 600
_HALF_A_TURN = "Half or twice as many turns: the straps differ from `microsteps`."


def page(rig: Rig, bench_file: str, pictures: Mapping[str, str]) -> str:
    """Return markdown. `pictures` is {file: title} of the drawings that lie beside the page."""
    written = f"Written from `{bench_file}` by `python -m thecal.hardware`; a test compares them. Change the bench file, not this page."
    parts = [f"<!-- {words.LICENCE} -->", f"# Building {rig.name}", f"**{words.BENCH_ONLY}**", words.INTENDED_USE]
    parts += [words.NOT_BUILT, written, _pictures(pictures), "## Safety", _bullets(_safety()), "## Build", _numbered(_build(rig, pictures))]
    parts += [table(("part", "value", "place"), _places(rig))]
    parts += ["## First power-up", _intro(pictures), *_power_up(rig)]
    return "\n\n".join(parts) + "\n"


def _pictures(pictures: Mapping[str, str]) -> str:
    return "Drawings: " + ", ".join(f"[{title}]({file})" for file, title in pictures.items()) + "."


def _safety() -> Iterator[str]:
    for subject, text in words.SAFETY.items():
        yield f"**{subject}.** {text}"


def _bullets(lines: Iterator[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _numbered(lines: Iterator[str]) -> str:
    return "\n".join(f"{number}. {line}" for number, line in enumerate(lines, 1))


# --- build ------------------------------------------------------------------------------------------------------------------------


def _build(rig: Rig, pictures: Mapping[str, str]) -> Iterator[str]:
    yield "Order by [parts.csv](parts.csv). Compare each module with [pinouts.svg](pinouts.svg) before you solder anything."
    if any(part.library.kind == "printed" for part in rig.parts.values()):
        yield "Print the parts in PETG or ABS: the STL files are in `hardware/cad`."
    if "board.md" in pictures:
        yield "Solder the board by [board.md](board.md), in its order of work, and do its test with the beeper."
    yield f"{_sockets(rig)} so that each can be lifted out. Everything else that stands on the board is soldered."
    yield "Mind the places in the table below: a part at the end of long leads does not do its work."
    yield "Solder the driver's power ground. If it opens, the motor's current runs through the Pico: never lift it as a test."
    yield "Check without power, with an ohmmeter: no short between 12 V and ground, none between any supply and ground."
    yield "Lead the wires by the numbers of [wiring.md](wiring.md) and label both ends. Motor and 12 V: 0.5 mm2, with ferrules."
    yield "Twist the stop button's two wires. Keep them at most 2 m long, and out of the motor's duct."
    yield "Find the motor's coils with an ohmmeter: A1-A2 and B1-B2 each conduct, A to B does not."
    yield "Put the electronics above the liquid, a tray underneath that holds one and a half reservoirs, a cover over the rollers."
    yield "Print [label.svg](label.svg) at 100 % and stick it on the rig."


def _places(rig: Rig) -> Iterator[tuple[str, ...]]:
    """Yield the parts that must stand where they stand."""
    for mark, part in rig.parts.items():
        if part.place and part.library.terminals:
            yield mark, short(part.library), part.place


def _sockets(rig: Rig) -> str:
    marks = [mark for mark, part in rig.parts.items() if part.library.plug_in and part.library.terminals]
    *most, last = marks or ["Pico", "driver"]
    return f"{', '.join(most)} and {last} go into sockets," if most else f"{last} goes into a socket,"


# --- power-up ---------------------------------------------------------------------------------------------------------------------


def _intro(pictures: Mapping[str, str]) -> str:
    lines = [
        "Begin with Pico and driver out of their sockets, and no tube in the head. Stop at the first step that does not go as described.",
        "Measure against ground, with the meter's black lead at the ground of the 12 V terminal. The numbers of the probe points are the",
        "orange ones in [power.svg](power.svg) and [controls.svg](controls.svg). Never plug or unplug a motor while the driver has power:",
        f"it destroys the driver. Lift Pico or driver only when 12 V and USB are off, and the motor's supply has fallen below {_BELOW}.",
    ]
    if "probes.svg" in pictures:
        lines.append("\n![the front of the board with its probe points](probes.svg)")
    return "\n".join(lines)


def _power_up(rig: Rig) -> Iterator[str]:
    points = powerup.probes(rig)
    found = {number: list(group) for number, group in groupby(powerup.readings(rig), key=lambda reading: reading.step)}
    for number, text in enumerate(_steps(rig), 1):
        yield f"{number}. {text}"
        if number in found:
            head = ("step", "state", "probe", "from", "to", "unit")
            yield table(head, [_row(rig, reading, points) for reading in found[number]])


def _row(rig: Rig, reading: Reading, points: Mapping[Node, int]) -> tuple[str, ...]:
    probe = f"({points[reading.probe]}) {_probe_words(rig, reading.probe)}"
    return str(reading.step), str(reading.state), probe, _volts(reading.low_mv), _volts(reading.high_mv), "V"


def _probe_words(rig: Rig, node: Node) -> str:
    mark, terminal = node
    if mark != pico.PART:
        return f"{mark} {terminal}"
    row = pico.FIXED.get(terminal) or pico.ROW_PIN[rig.pins[terminal]]
    return f"{mark} {terminal}, pin {row}"


def _volts(mv: int) -> str:
    return f"{mv / 1_000:.2f}"


def _steps(rig: Rig) -> Iterator[str]:
    """Yield the steps; their numbers are those of powerup's readings."""
    has = _Has(rig)
    yield "Pico out, driver out. 12 V on. No part gets warm."
    yield f"The driver's socket of {has.enable}: off without a Pico." + (
        " A reading near 0 V: R1 is missing or goes to the wrong rail." if has.high else " More than that: something pulls it up."
    )
    vref = f" Set VREF now, with a plastic or ceramic blade{has.vref()}." if has.vref() else ""
    pull = "" if has.high else " A reading as high as a supply: the module pulls it up itself; remove that resistor or cut its jumper."
    yield (
        f"12 V off. Wait until the motor's supply is below {_BELOW}, about 15 s. Driver in, 12 V on. **The shaft turns freely by hand**: "
        f"the motor is off without a Pico.{vref}{pull}"
    )
    yield (
        f"12 V off; wait until the motor's supply is below {_BELOW}. Pico in, USB only: flash the firmware. Nothing moves, and the shaft "
        "turns freely."
    )
    yield (
        "12 V on, USB in. The shaft turns freely. Pull USB: the Pico runs on. Measure now. The Pico's input loads the divider, so its "
        "reading falls by up to a tenth. Then USB in, 12 V off: the Pico runs on from USB, and the motor is off."
    )
    yield (
        "12 V on. Order a bolus with the head still empty: it turns. Measure while it turns. Press stop: the shaft is free at once. "
        "Release: it stays free. Then pull one of the button's wires instead of pressing: the same."
    )
    yield f"Watch a mark on the shaft for ten turns: {has.ten_turns()} steps. {_HALF_A_TURN}"
    yield "Watch which way it turns. If it is the wrong way, change `direction` and flash again."
    yield (
        "While it turns: take the enable wire off at the Pico's side of its resistor, or lift that resistor's leg. The shaft must be free. "
        "This is the test of R1. The pump's counter runs on: a broken enable wire is a dose that is not delivered and not noticed."
    )
    if not has.high:
        yield "With an oscilloscope at VSYS: press stop while the motor turns. VSYS stays below 5.5 V. The model says 5.0 to 5.2 V."
    yield "Press stop once after every later power-up, before the first run: a short between its two wires would hide a press."
    yield "Only now put in the tube, and water. Weigh before you trust a volume. Send what you measured: [BUILDS.md](../BUILDS.md)."


class _Has:
    """What the steps need to know of a rig."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        driver: Part | None = next((part for part in rig.parts.values() if part.library.driver), None)
        self._driver = driver
        self.high = driver is None or driver.library.disabled == "high"
        self.enable = f"{driver.mark} {driver.library.enable}" if driver else "the enable line"

    def vref(self) -> str:
        """Return how far to turn the potentiometer; an empty text for a driver without one."""
        figure: Figure | None = self._driver.library.values.get("vref_mv_per_a") if self._driver else None
        if figure is None or figure.low is None:
            return ""
        return f": {figure.low * _START_MA // 1_000 / 1_000:.2f} V for {_START_MA / 1_000} A a coil (RMS) to begin with"

    def ten_turns(self) -> str:
        """Return the steps of ten turns of the shaft, with a comma."""
        calibration, motor = self._rig.bench["calibration"], self._rig.bench["motor"]
        turns = calibration.get("turns")
        steps = calibration["steps"] * 10 // turns if turns else 2_000 * motor["microsteps"]
        return f"{steps:,}"
