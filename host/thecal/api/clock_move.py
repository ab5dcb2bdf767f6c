"""The change of a pump's clock and zone, its review, and how it is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pumpcore.program.schedule import NEVER_S, Zone
from pumpcore.units import S_PER_DAY, S_PER_HOUR, S_PER_MINUTE
from thecal.errors import BadInput, Failed
from thecal.pump import clock, zones
from thecal.pump.transport import registry

if TYPE_CHECKING:
    from pumpcore.program.plan import Program
    from thecal.api.person import Person
    from thecal.pump.facts import PumpFacts

ASK_ABOVE_S = 60.0
KEEP_IT = "--keep-clock"
LEFT = "the pump's clock is left as it is: setting it needs the program key"
Rows = list[tuple[str, ...]]


class Wish(NamedTuple):
    """The typed options: `--zone`, and `--set-clock` (True), `--keep-clock` (False) or neither (None)."""

    zone: str | None
    move: bool | None

    def check(self) -> None:
        """Raise BadInput before looking for a pump. A clock that is kept does not need this computer's zone."""
        if self.zone is not None or self.move is not False:
            zones.check(self.zone)


class Move:
    """The change from the pump's clock and zone to `utc_s` in the chosen zone. `by_s` is None for an unknown clock."""

    def __init__(self, pump: PumpFacts, wish: Wish) -> None:
        self.pump, self.client, self.status, reading = pump, pump.client, pump.status, pump.reading
        self.local = zones.chosen(self.client, self.status, wish.zone)
        self.had_zone = zones.of_pump(self.client, self.status) is not None
        self.by_s = None if reading.error_s is None else -reading.error_s
        self.digits = 0 if reading.uncertain_s >= clock.CHIP_HALF_S else 1
        self.own_time = reading.own_time and not wish.move
        if self.own_time:
            self.by_s = 0.0
        self.utc_s = round(clock.host_s()) if self.by_s is None else round(self.status["utc_s"] + self.by_s)
        names = ("offset_s", "transition_utc_s", "transition_offset_s")
        self.old, self.new = Zone(*(self.status.get(name) or 0 for name in names)), self._zone_at(self.utc_s)

    def _zone_at(self, utc_s: int) -> Zone:
        zone = self.local.zone(utc_s)
        return zone if "transition_utc_s" in self.status else Zone(zone.offset_s)  # an older firmware knows no transition

    def offset_by_s(self) -> int:
        """Return the change of local time without that of the clock; also for a pump that lost the time but kept its zone."""
        known = self.had_zone or self.by_s is not None
        return self.new.offset_s - self.old.offset_at_s(self.utc_s) if known else 0

    def later_moves(self) -> bool:
        """Return True if the pump's next change of local time becomes another one."""
        ahead = self.old.transition_utc_s > self.utc_s and self.old.transition_offset_s != self.old.offset_s
        return ahead and self.old.values() != self.new.values()

    def asks(self) -> bool:
        """Return True if a person must agree: the clock moves by more than a minute, or the zone changes."""
        return abs(self.by_s or 0.0) > ASK_ABOVE_S or bool(self.offset_by_s()) or self.later_moves()

    def words(self) -> str:
        """ "clock by +8 h 00 min and local time by -6 h 00 min"."""
        parts = []
        if self.by_s is not None and abs(self.by_s) > ASK_ABOVE_S:
            parts.append(f"clock by {signed(round(self.by_s))}")
        if self.offset_by_s():
            parts.append(f"local time by {signed(self.offset_by_s())}")
        if self.later_moves():
            parts.append("next change of local time")
        return " and ".join(parts) or f"clock by {signed(round(self.by_s or 0))}"

    def rows(self) -> Rows:
        """Return the clock, the zone and the schedule entries before and after the change."""
        from thecal.quantities.amounts import clock_text

        old_utc_s = self.status["utc_s"]
        rows: Rows = [
            ("", "in the pump", "new"),
            ("clock", clock_text(old_utc_s, self.old.offset_s), self.text()),
            ("next change", change_text(self.old, self.utc_s), change_text(self.new, self.utc_s)),
            ("moves", "", self.words()),
        ]
        program = timed_program(self.pump)
        if program is None or not old_utc_s:
            return [*rows, ("therapy", "", "no entry depends on the time of day")] if program is None else rows
        pairs = zip(entry_rows(program, old_utc_s, self.old), entry_rows(program, self.utc_s, self.new), strict=True)
        return [*rows, *((label, before, after) for (label, before), (_, after) in pairs)]

    def text(self) -> str:
        """Return the new time with the zone's name."""
        from thecal.quantities.amounts import clock_text

        return clock_text(self.utc_s, self.new.offset_s) + (f" ({self.local.name})" if self.local.name else "")

    def result(self, told: dict[str, Any]) -> str:
        """ "Mon 2026-11-30 00:10:00 UTC+0100 (Europe/Berlin), moved by -0.3 s"."""
        from thecal.quantities.amounts import clock_text

        name = f" ({self.local.name})" if self.local.name else ""
        return f"{clock_text(told['utc_s'], told['offset_s'])}{name}, {self._moved()}"

    def _moved(self) -> str:
        if self.by_s is None:
            return "it was not set before"
        said = f"moved by {self.by_s:+.{self.digits}f} s".replace("-0.0 s", "+0.0 s").replace("-0 s", "+0 s")
        return "the pump keeps its own time" if self.own_time else said

    def make(self) -> dict[str, Any]:
        """Set the clock, and remember the zone's name. A simulated pump with its own time keeps that."""
        utc_s = self.client.status()["utc_s"] if self.own_time else clock.next_second()
        told = self.client.clock_set(utc_s, *self._zone_at(utc_s).values())
        if self.local.name:
            registry.remember_zone(self.client.unique_id, {"zone": self.local.name, "clock_set_utc_s": told.get("clock_set_utc_s")})
        return told


def timed_program(pump: PumpFacts) -> Program | None:
    """Return the pump's program if its entries depend on the time of day; otherwise None."""
    program = pump.program if pump.status.get("program_name") else None
    return program if program is not None and program.needs_clock() else None


def entry_rows(program: Program, utc_s: int, zone: Zone) -> list[tuple[str, str]]:
    """Return the entry in force at a moment, and the begin of the next one."""
    from pumpcore.program.schedule import DAY_NAMES, Week, entry_at
    from thecal.quantities.amounts import ml_per_h, span
    from thecal.text.protocol import start_text

    def said(index: int) -> str:
        minute, rate_nl = program.entries[index]
        day, rest = divmod(minute, S_PER_DAY // S_PER_MINUTE)
        return f"{DAY_NAMES[day]} {rest // 60:02d}:{rest % 60:02d}, {ml_per_h(rate_nl, program.rate_seconds_s)}"

    week = Week(utc_s, zone)
    if program.protocol is not None:
        return [("first stage", f"{start_text(program.protocol)}, in {span(program.protocol.wait_s(week))}")]
    now = entry_at(program.entries, week.local_s(0))
    next_s = week.until_change_s(program.entries, 0)
    if next_s >= NEVER_S:
        return [("entry", said(now)), ("next entry", "none")]
    after = entry_at(program.entries, week.local_s(next_s))
    return [("entry", said(now)), ("next entry", f"{said(after)}, in {span(next_s)}")]


def change_text(zone: Zone, utc_s: int) -> str:
    """Return the next change of local time after `utc_s`, or "none"."""
    from thecal.quantities.amounts import clock_text

    if zone.transition_utc_s <= utc_s:
        return "none"
    return clock_text(zone.transition_utc_s, zone.transition_offset_s)


def signed(by_s: int) -> str:
    """ "+8 h 00 min", "-61 s"."""
    sign, rest_s = "-" if by_s < 0 else "+", abs(by_s)
    if rest_s < 10 * S_PER_MINUTE:
        return f"{sign}{rest_s} s"
    days, rest_s = divmod(rest_s, S_PER_DAY)
    hours, rest_s = divmod(rest_s, S_PER_HOUR)
    text = f"{days} d {hours} h" if days else f"{hours} h {rest_s // S_PER_MINUTE:02d} min"
    return sign + text


def set_if_plain(pump: PumpFacts, person: Person) -> None:
    """Set the clock of a stopped pump for a run, which does not need it: only if nothing must be asked, otherwise leave it and say so."""
    if pump.status["state"] != "stopped":
        return
    try:
        clock.check_host()
        move = Move(pump, Wish(None, None))
    except (Failed, BadInput) as error:
        person.note(f"the pump's clock is left as it is: {error.cause}")
        return
    if move.asks():
        person.note(f"the pump's clock is left as it is; to move its {move.words()}: thecal clock --set")
    else:
        person.note(f"clock set to {move.result(move.make())}")


def leaves(pump: PumpFacts, wish: Wish) -> bool:
    """Return True if the clock stays as it is because nobody asked for another one and this computer has no key that may set it."""
    return wish == Wish(None, None) and not pump.client.may("clock.set")


def check_kept(status: dict[str, Any], wish: Wish) -> None:
    """Raise Failed if a clock that is to be kept is not set, or if a zone was given too."""
    if not status["utc_s"]:
        raise Failed("the pump's clock is not set, so it can't be kept", f"remove {KEEP_IT}")
    if wish.zone is not None:
        raise Failed(f"--zone and {KEEP_IT} contradict each other", "remove one of them")


def keep(status: dict[str, Any], wish: Wish, person: Person) -> None:
    """Keep the pump's clock. Raises Failed if it has none, or if a zone was given too."""
    from thecal.quantities.amounts import clock_text

    check_kept(status, wish)
    person.note(f"the pump's clock is kept: {clock_text(status['utc_s'], status['offset_s'])}")
