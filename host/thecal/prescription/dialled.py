"""A prescription from two numbers: any two of rate, volume and time become a protocol of one stage."""

from __future__ import annotations

from typing import Any, NamedTuple

from pumpcore.program.plan import Program
from thecal.errors import BadInput
from thecal.prescription import decompiled
from thecal.prescription.file import Other, Prescription
from thecal.prescription.stages import LONGEST_S, SHORTEST_S, Protocol, Stage, Start
from thecal.quantities.amounts import long_span
from thecal.quantities.exact import volume
from thecal.quantities.typed import Quantity, decimal, shown

EXAMPLES = 'write it like: thecal run "1 mL/h", or: thecal run --volume "5 mL" --for "2 h"'
CARRIED = ("line", "reservoir", "bolus")  # they belong to the rig and its limits, not to the replaced basal
TITLE_BYTES = 64


class Contents(NamedTuple):
    """What is in the reservoir: a name, and its concentration or None."""

    drug: str
    concentration: Quantity | None
    others: tuple[Other, ...] = ()


class Dialled(NamedTuple):
    """What a person typed. Exactly one, or two, of the three; one alone is a rate without end."""

    rate: Quantity | None
    volume: Quantity | None
    lasts_s: int | None

    def check(self) -> None:
        """Raise BadInput unless these say what to run."""
        count = sum(one is not None for one in self)
        if count == 3:
            raise BadInput("rate, volume and time together say too much: the third follows from two", "leave one of them out")
        if count == 0 or (count == 1 and self.rate is None):
            raise BadInput("the command says not enough to run" if count else "the command says nothing to run", EXAMPLES)
        for quantity in (self.rate, self.volume):
            if quantity is not None and not quantity.amount:
                raise BadInput(f"{shown(quantity.text)} is zero", "write a value above zero; `thecal stop` stops the pump")
        if self.lasts_s is not None and not SHORTEST_S <= self.lasts_s <= LONGEST_S:
            nearest_s = SHORTEST_S if self.lasts_s < SHORTEST_S else LONGEST_S
            raise BadInput(f"--for: {self.lasts_s} s is out of range", f'the nearest possible is "{nearest_s} s"')

    def endless(self) -> bool:
        """Return True for a rate alone."""
        return self.volume is None and self.lasts_s is None

    def words(self) -> str:
        """Return "5 mL in 2 h", "1 mL/h for 2 h", "50 uL at 2 mL/h", "1 mL/h"."""
        lasts = long_span(self.lasts_s) if self.lasts_s is not None else ""
        if self.volume is None:
            return " for ".join(filter(None, (self.rate.text if self.rate else "", lasts)))
        return f"{self.volume.text} at {self.rate.text}" if self.rate is not None else f"{self.volume.text} in {lasts}"

    def check_seconds(self, fluid: Contents) -> None:
        """Raise BadInput with the nearest times if a volume at a rate takes no whole number of seconds, or less than a stage lasts."""
        if self.volume is None or self.rate is None:
            return
        seconds_s = exact(self.volume, fluid) / exact(self.rate, fluid)
        asked = f"{self.words()} takes {decimal(seconds_s, 3)} s"
        leave = f'leave out --rate, and write --volume "{self.volume.text}" --for'
        if not SHORTEST_S <= seconds_s <= LONGEST_S:
            if seconds_s > LONGEST_S:
                raise BadInput(f"{asked}, and a run lasts at most {LONGEST_S} s", f'{leave} "{LONGEST_S} s"')
            raise BadInput(f"{asked}, and a run lasts at least {SHORTEST_S} s", f'{leave} "{SHORTEST_S} s"; or order a bolus: thecal bolus')
        if seconds_s.denominator != 1:
            raise BadInput(f"{asked}, and the pump counts whole seconds", f'{leave} "{int(seconds_s)} s" or "{int(seconds_s) + 1} s"')

    def protocol(self) -> Protocol:
        """Return the protocol of one stage."""
        held = self.endless()
        lasts_s = SHORTEST_S if held else self.lasts_s
        stage = Stage.model_construct(rate=self.rate, volume=self.volume, lasts_s=lasts_s, pause=None, ramp=None)
        return Protocol.model_construct(start=Start(0, 0), then="hold" if held else "stop", stage=[stage], loop=[], _parts=())


def exact(quantity: Quantity, fluid: Contents) -> Any:
    """Return nl, or nl per second. Raises BadInput for a mass without a concentration."""
    ng_per_nl = fluid.concentration.to("ng/nL") if fluid.concentration is not None else None
    return volume(quantity, ng_per_nl, "the fluid has no concentration", 'add --concentration "... ug/mL"')


def prescription(dialled: Dialled, fluid: Contents, current: Program | None) -> Prescription:
    """Return the prescription of a run. Limits, line and reservoir of the `current` program stay; its demand bolus does not. Raises
    BadInput for a mass without a concentration."""
    for quantity in (dialled.rate, dialled.volume):
        if quantity is not None:
            exact(quantity, fluid)
    dialled.check_seconds(fluid)
    title = f"run {dialled.words()}"
    return Prescription.model_construct(
        title=title if len(title.encode()) <= TITLE_BYTES else "run",
        drug=fluid.drug,
        concentration=fluid.concentration,
        protocol=dialled.protocol(),
        **kept(current, fluid),
    ).with_others(fluid.others)


def kept(current: Program | None, fluid: Contents) -> dict[str, Any]:
    """Return the tables that stay. A library's limits belong to its fluid."""
    if current is None:
        return {}
    names = (*CARRIED, "library") if current.fluid == fluid.drug else CARRIED
    return {"limits": decompiled.limits_of(current), **decompiled.tables_of(current, names)}
