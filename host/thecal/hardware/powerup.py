"""What a good rig shows in the steps of the first power-up: state, probe, voltage from and to.

The one place of these numbers: build.md and hardware/README.md have them from here, and a test compares them with a solver of the nets.
They are computed or from data sheets; nobody has measured a built rig yet.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from thecal.hardware import pico
from thecal.hardware.rig import Rig

Node = tuple[str, str]
# From, to.
Range = tuple[int, int]

# A supply of class II gives 12 V within 5 %.
_SUPPLY_MV = (11_400, 12_600)
# For a converter whose library entry has no range. Sisters of the R-78E name 6 to 10 mA as least load: without the Pico it may run high.
_FIVE_MV = (4_850, 5_200)
# USB alone: D1 lets microamperes back.
_OFF_MV = (0, 500)
# D1 carries microamperes without the Pico, 25 to 100 mA with it.
_VSYS_EMPTY_MV = (4_800, 5_200)
_VSYS_LOADED_MV = (4_600, 4_950)
_VSYS_USB_MV = (4_100, 5_250)
# MCP1700: 2 % at 25 degrees, 3 % over temperature.
_LOGIC_MV = (3_200, 3_400)
_OFF_HIGH_MV, _OFF_LOW_MV = (3_000, 3_400), (0, 100)
# A Pico in reset pulls down with 50 to 80 kOhm, against R1.
_RESET_HIGH_MV = (2_800, 3_400)
_ON_LOW_MV, _ON_HIGH_MV = (300, 800), (2_700, 3_400)
_PICO_3V3_MV = (3_200, 3_400)
# A rail is off below this; the bulk capacitor takes about 15 s to get there.
DISCHARGED_MV = 1_000
# Tolerance of divider, supply and regulator; the Pico's ADC input takes up to a tenth more away.
_SENSE_LOW_PERMILLE, _SENSE_LOADED_PERMILLE, _SENSE_HIGH_PERMILLE = 930, 840, 1_070


@dataclass(frozen=True)
class State:
    """What is in its socket and switched on. `enabled`: the pump runs its motor; `firmware`: the Pico runs ours."""

    pico: bool = False
    driver: bool = False
    supply: bool = False
    usb: bool = False
    firmware: bool = False
    enabled: bool = False

    def __str__(self) -> str:
        words = [f"Pico {'in' if self.pico else 'out'}", f"driver {'in' if self.driver else 'out'}"]
        words += [f"12 V {'on' if self.supply else 'off'}", f"USB {'in' if self.usb else 'out'}"]
        return ", ".join(words + (["motor running"] if self.enabled else []))


@dataclass(frozen=True)
class Reading:
    """A good rig shows `low_mv` to `high_mv` at `probe` against ground."""

    step: int
    state: State
    probe: Node
    low_mv: int
    high_mv: int


def readings(rig: Rig) -> tuple[Reading, ...]:
    """Return the readings of a rig in the order of the steps. A part that the rig does not have has none."""
    return tuple(_Readings(rig).all())


def probes(rig: Rig) -> dict[Node, int]:
    """Return the number of each probe point, from 1, in the order in which they are first used."""
    points = dict.fromkeys(reading.probe for reading in readings(rig))
    return {node: number for number, node in enumerate(points, 1)}


class _Readings:
    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self._high = next((part.library.disabled == "high" for part in rig.parts.values() if part.library.driver), True)

    def all(self) -> Iterator[Reading]:
        bare = State(supply=True)
        for probe in self._of_kind("fuse", "out"):
            yield Reading(1, bare, probe, *_SUPPLY_MV)
        for probe in self._of_kind("converter", "VOUT"):
            yield Reading(1, bare, probe, *self._out_mv(probe))
        yield from self._at(1, bare, (pico.PART, "VSYS"), _VSYS_EMPTY_MV)
        for probe in self._of_kind("regulator", "VOUT"):
            yield Reading(1, bare, probe, *_LOGIC_MV)
        yield from self._sense(1, bare)
        yield from self._enable(2, bare, _OFF_HIGH_MV if self._high else _OFF_LOW_MV)
        yield from self._enable(3, State(driver=True, supply=True), _OFF_HIGH_MV if self._high else _OFF_LOW_MV)
        yield from self._usb_only(4)
        yield from self._both(5)
        running = State(pico=True, driver=True, supply=True, firmware=True, enabled=True)
        yield from self._enable(6, running, _ON_LOW_MV if self._high else _ON_HIGH_MV)

    def _usb_only(self, step: int) -> Iterator[Reading]:
        state = State(pico=True, driver=True, usb=True)
        yield from self._at(step, state, (pico.PART, "VSYS"), _VSYS_USB_MV)
        yield from self._at(step, state, (pico.PART, "3V3"), _PICO_3V3_MV)
        for probe in self._of_kind("fuse", "out"):
            yield Reading(step, state, probe, *_OFF_MV)

    def _both(self, step: int) -> Iterator[Reading]:
        state = State(pico=True, driver=True, supply=True, firmware=True)
        yield from self._at(step, state, (pico.PART, "VSYS"), _VSYS_LOADED_MV)
        yield from self._sense(step, state)
        yield from self._enable(step, state, _RESET_HIGH_MV if self._high else _OFF_LOW_MV)

    def _of_kind(self, kind: str, terminal: str) -> Iterator[Node]:
        for mark, part in self._rig.parts.items():
            if part.library.kind == kind and terminal in part.library.terminals:
                yield mark, terminal

    def _out_mv(self, probe: Node) -> Range:
        figure = self._rig.parts[probe[0]].library.terminals[probe[1]].out_mv
        return (figure.low, figure.high) if figure and figure.low is not None and figure.high is not None else _FIVE_MV

    def _at(self, step: int, state: State, probe: Node, range_mv: Range) -> Iterator[Reading]:
        if any(probe == end.key for ends in self._rig.links.values() for end in ends):
            yield Reading(step, state, probe, *range_mv)

    def _enable(self, step: int, state: State, range_mv: Range) -> Iterator[Reading]:
        for mark, part in self._rig.parts.items():
            if part.library.driver:
                yield Reading(step, state, (mark, part.library.enable), *range_mv)

    def _sense(self, step: int, state: State) -> Iterator[Reading]:
        """Yield the reading of the divider at the pin `motor_supply`, from the bench's full scale."""
        motor = self._rig.bench["motor"]
        if "motor_supply" not in self._rig.pins or "supply_full_scale_mv" not in motor:
            return
        nominal_mv = self._motor_supply_mv() * 3_300 // motor["supply_full_scale_mv"]
        low = _SENSE_LOADED_PERMILLE if state.pico else _SENSE_LOW_PERMILLE
        yield Reading(step, state, (pico.PART, "motor_supply"), nominal_mv * low // 1_000, nominal_mv * _SENSE_HIGH_PERMILLE // 1_000)

    def _motor_supply_mv(self) -> int:
        """Return 5 V if a converter feeds the driver's VM, else the 12 V of the supply."""
        for ends in self._rig.links.values():
            kinds = {(self._rig.parts[end.part].library.kind, end.terminal) for end in ends}
            if ("driver", "VM") in kinds:
                return 5_000 if ("converter", "VOUT") in kinds else 12_000
        return 12_000
