"""A pump and the reference model side by side: every order goes to both, every look compares both."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from support.models.therapy import ZERO, Carried, Counts, Dose, Front, Pair, Plan, Rules, Span, Tank, Temporary, Wall, first_second
from support.rig.device import Device
from thecal.tools.demo.clockwork import advance_to_uptime

MS_PER_S = 1000
GUARD_STEPS = 1  # flash books one step more than the guard allows
SLICE_S, LEASE_S = 7, 64  # an order takes effect after the queue, or after the present lease and the queue
FORGOTTEN_S = 62  # powered-on time that a power cut may forget: since the last lease was written


class Week:
    """`second` is of the present span; `position_steps` is absolute. `looks` and `exact` count the comparisons."""

    def __init__(self, device: Device, plan: Plan, rules: Rules) -> None:
        self.device, self.plan = device, plan
        status = device.client.status()
        self.pair = Pair(status["calibration"]["volume_nl"], status["calibration"]["steps"])
        self.counts, self.tank, self.rules = Counts(rules), Tank(self.pair, rules), rules
        self.powered_base_s = 0
        self.uncertain_steps = 0
        self.looks = self.exact = 0
        self.refused: set[str] = set()
        self.tokens: dict[str, Dose] = {}
        self.events_seen = 0
        self.live = False

    def records(self, *names: str) -> list[Any]:
        """Return the events with one of these names since the last check."""
        blocks = self.device.client.journal("events", self.events_seen)
        return [record for _, block in blocks for record in block if record.name in names and record.sequence > self.events_seen]

    # -- time

    def uptime_ms(self) -> int:
        return int(self.device.client.status()["uptime_ms"])

    def second(self, uptime_ms: int | None = None) -> Fraction:
        return Fraction((self.uptime_ms() if uptime_ms is None else uptime_ms) - self.origin_ms, MS_PER_S)

    def powered_on_s(self, uptime_ms: int) -> int:
        return self.powered_base_s + uptime_ms // MS_PER_S

    def go_to(self, second_s: int) -> None:
        """Run until that second of the span, with looks on the way."""
        while self.second() < second_s:
            nearest = min(second_s, math.floor(self.second()) + 3571)
            advance_to_uptime(self.device.sim, self.device.client, self.origin_ms + nearest * MS_PER_S)
            self.look()

    def whole_second(self, uptime_ms: int, within_s: int) -> int:
        """Return the second of the span at which an order takes effect; it must be soon and whole."""
        second = self.second(uptime_ms)
        assert second.denominator == 1 and 0 <= second - self.second() <= within_s, (second, self.second())
        return int(second)

    # -- spans

    def start(self, utc_s: int, wall: tuple[int, tuple[int, int] | None]) -> None:
        """Start. `wall` is the offset and the transition."""
        self.device.client.start()
        self.device.sim.wait_until_idle()
        self.began(utc_s, wall)

    def began(self, utc_s: int, wall: tuple[int, tuple[int, int] | None]) -> None:
        """A span began; the last `started` record says when."""
        started = self.records("started")[-1]
        assert utc_s in (0, started.utc_s), (utc_s, started.utc_s)
        self.origin_ms, self.base_steps = started.uptime_ms, started.fields["position_steps"]
        self.span = Span(self.pair, Wall(started.utc_s, *wall), self.plan)
        self.carried, self.live = Carried(), True
        self.events_seen = started.sequence

    def cross(self, packed: bytes, plan: Plan, front: Front) -> None:
        """Change the concentration while stopped: a start is refused, a bridge begins."""
        self.device.upload(packed)
        self.plan = plan
        assert self.device.ask_raw("start")["error"]["data"]["fault"] == "bridge_needed"
        answer = self.ask("bridge.start")
        assert Fraction(answer["numerator"], answer["denominator"]) == front.ratio
        self.device.sim.wait_until_idle()
        wall = self.span.wall
        self.began(0, (wall.transition[1] if wall.transition else wall.offset_s, None))
        self.span.front, self.carried = front, Carried(ZERO, Fraction(1, 10**30))

    def ended(self) -> int:
        """The span is over: compare its end with the model, except for what was queued. Return the position."""
        self.live = False
        status = self.device.client.status()
        self.base_steps = int(status["delivered_steps"])
        return self.base_steps

    # -- looking

    def look(self) -> None:
        """Compare the motor's true steps with the model at this moment, and the reservoir with the true steps."""
        status, plant = self.device.client.status(), self.device.sim.plant_steps() + self.uncertain_steps
        second = self.second(status["uptime_ms"])
        due = self.span.basal(second) + self.span.of_doses(second)
        live = len(self.span.live(second)) + 1
        made = plant - self.base_steps
        assert status["delivered_steps"] == plant
        assert -live - 1 - self._ends_late(second) < made - due < live + 1, (second, made, float(due), live)
        assert not self._is_too_fast(self.span.flow(math.floor(second)), ZERO), (second, self.span.flow(math.floor(second)))
        left_nl = status["therapy"]["reservoir"]["left_nl"]
        assert left_nl == self.tank.left_nl(plant), (left_nl, self.tank.left_nl(plant))
        day = self.counts.in_day(self.powered_on_s(status["uptime_ms"]), "demand")
        assert status["therapy"]["demands_in_day"] == len(day)
        self.looks += 1

    def _ends_late(self, second: Fraction) -> Fraction:
        """The last second of a bolus is seldom full: its last slice is spread evenly, up to a second's steps behind the plan."""
        ending = [dose.rate for dose in self.span.live(second) if dose.duration_s() - self.span.active(dose, second) <= 4]
        return sum((self.pair.exact_steps(rate) for rate in ending), ZERO)

    def check_records(self) -> None:
        """Compare exactly: steps ordered at each entry and at each end of a temporary rate, and the total of each bolus."""
        names = ("entry", "temporary_ended", "bolus_ended", "program_changed", "front_near", "front_passed")
        for record in self.records(*names):
            if record.name == "bolus_ended":
                self._check_dose(record)
                continue
            second = self.second(record.uptime_ms)
            basal = record.fields["ordered_steps"] - self.base_steps - self.span.of_doses(second)
            if record.name == "entry":
                plan, week_s = self.span.plan_at(int(second)), self.span.wall.week_second(int(second))
                assert record.fields["entry"] == plan.row_at(week_s), (record.fields, second)
            assert self.carried.fits(self.span.basal(second), basal), (record.name, second, basal, float(self.span.basal(second)))
            self.exact += 1
        self.events_seen = self.device.client.status()["events_sequence"]

    def _check_dose(self, record: Any) -> None:
        dose = self.tokens[record.fields["token"].hex()]
        given, cut = record.fields["delivered_steps"], record.fields["reason"] not in (0, 1)
        due = self.span.of_dose(dose, self.second(record.uptime_ms) if cut else 10**7)
        assert abs(given - due) <= cut, (given, due, dose)
        self.exact += 1

    def empty_second(self) -> int:
        """Return when the reservoir reaches its empty mark, if only the basal runs."""

        def is_empty(second_s: int) -> bool:
            made = math.floor(self.span.basal(second_s)) + self.span.of_doses(second_s)
            return self.tank.left_nl(self.base_steps + made) <= self.rules.empty_nl

        return first_second(is_empty, int(self.second()), int(self.second()) + 7 * 86_400)

    # -- orders

    def ask(self, method: str, **params: object) -> dict[str, Any]:
        """Return the result, or the error's data under "refused"."""
        reply = self.device.ask_raw(method, token=self.device.client.bolus_token(), **params)
        if "result" in reply:
            result: dict[str, Any] = reply["result"]
            return result
        data: dict[str, Any] = reply["error"]["data"]
        self.refused.add(data["fault"])
        return {"refused": data}

    def _take(self, kind: str, reply: dict[str, Any], volume_nl: int, rate: Fraction) -> Dose:
        """An extended bolus begins exactly at the end of another that waits or runs, every other one at the next slice."""
        now = self.second()
        free_s = max((dose.end_s() for dose in self.span.doses if dose.kind != "extended" and dose.end_s() > now), default=0)
        begin_s = self.whole_second(reply["begins_at_ms"], max(SLICE_S, math.ceil(free_s - now)))
        assert begin_s == free_s or (begin_s > free_s and begin_s - now <= SLICE_S), (begin_s, free_s)
        assert kind == "extended" or begin_s - now <= SLICE_S
        dose = Dose(kind, begin_s, volume_nl, rate)
        assert reply["ordered_steps"] == math.floor(self.pair.exact_steps(volume_nl)) and reply["duration_s"] == dose.duration_s()
        self._count(kind, volume_nl, Fraction(reply["begins_at_ms"], MS_PER_S))
        self._join(reply["token"], dose)
        return dose

    def _join(self, token: str, dose: Dose) -> None:
        self.span.doses.append(dose)
        self.tokens[token] = dose

    def _count(self, kind: str, volume_nl: int, begins: Fraction) -> None:
        told = self.records("dose")[-1].fields
        exact = math.ceil(self.powered_base_s + begins)
        assert told["volume_nl"] == volume_nl and exact <= told["powered_on_s"] <= exact + 1, (told, exact)
        self.counts.began(kind, Fraction(told["powered_on_s"]), volume_nl)

    def _is_too_fast(self, basal: Fraction, rate: Fraction) -> bool:
        seconds_s = self.plan.rate_seconds_s
        return 0 < self.rules.rate_nl < math.ceil(basal * seconds_s) + math.ceil(rate * seconds_s)

    def _too_fast(self, kind: str, rate: Fraction, duration_s: int) -> tuple[set[str], set[str]]:
        """Return whether the ceiling must refuse a bolus, and whether it may: depending on where in the next slices it begins."""
        now_s, found = math.ceil(self.second()), set()
        waiting = [row for row in self.span.temporaries if row.begin_s > now_s and row.end_s > row.begin_s]
        for begin_s in range(now_s, now_s + SLICE_S + 1):
            basal = self.span.highest_beside(begin_s, begin_s + duration_s)
            basal = max(basal, self.plan.highest()) if kind == "extended" else basal
            found.add(self._is_too_fast(basal, rate))
            found |= {self._is_too_fast(row.rate(basal, self.plan), rate) for row in waiting}
        reasons = {"rate_above_ceiling"}
        return reasons if found == {True} else set(), reasons if True in found else set()

    def _judge(self, kind: str, volume_nl: int) -> set[str]:
        """Return every reason, except the ceiling, for which the rules refuse a bolus now; without one it must be done."""
        status = self.device.client.status()
        powered_on_s, second = self.powered_on_s(status["uptime_ms"]), self.second(status["uptime_ms"])
        waits = [dose for dose in self.span.doses if dose.kind != "extended" and dose.end_s() > second]
        unended = [dose for dose in self.span.doses if dose.kind == "extended" and self.span.active(dose, second) < dose.duration_s()]
        same = [dose for dose in unended if dose.cancel_s is None] if kind == "extended" else waits
        reasons = {"extended_active" if kind == "extended" else "bolus_active"} if same else set()
        held = self.counts.demand_refusals(powered_on_s) if kind == "demand" else self.counts.volume_refusals(volume_nl, powered_on_s)
        return reasons | held | self.tank.refusals(volume_nl, status["delivered_steps"])

    def bolus(self, kind: str, dose_nl: int, rate: Fraction, **params: object) -> str:
        """Order from the host: done exactly if the rules allow it. Return the name of the refusal, or ""."""
        reasons = self._judge(kind, dose_nl)
        must, may = self._too_fast(kind, rate, math.ceil(dose_nl / rate))
        reply = self.ask("bolus." + ("start" if kind == "manual" else kind), **params)
        if "refused" in reply:
            assert reply["refused"]["fault"] in reasons | may, (reply, reasons, may)
            return str(reply["refused"]["fault"])
        assert not reasons | must, (reply, reasons, must)
        self._take(kind, reply, dose_nl, rate)
        return ""

    def manual(self, volume_nl: int, rate_nl: int) -> str:
        return self.bolus("manual", volume_nl, Fraction(rate_nl, self.plan.rate_seconds_s), volume_nl=volume_nl, rate_nl=rate_nl)

    def demand(self) -> str:
        assert self.rules.demand is not None
        return self.bolus("demand", self.rules.demand[0], Fraction(self.rules.demand[0], self.rules.demand[1]))

    def extended(self, volume_nl: int, duration_s: int) -> str:
        return self.bolus("extended", volume_nl, Fraction(volume_nl, duration_s), volume_nl=volume_nl, duration_s=duration_s)

    def press(self) -> str:
        """Press the button: done exactly if the rules allow it."""
        assert self.rules.demand is not None
        volume_nl, duration_s = self.rules.demand[:2]
        reasons, before, pressed_ms = self._judge("demand", volume_nl), len(self.records("dose")), self.uptime_ms()
        must, may = self._too_fast("demand", Fraction(volume_nl, duration_s), duration_s)
        self.device.sim.press_bolus()
        self.device.run_for(SLICE_S)
        if reasons | must or (may and len(self.records("dose")) == before):
            assert len(self.records("dose")) == before
            return "pressed early"
        begun = self.records("bolus_started")[-1]
        begins_s = self.second(begun.uptime_ms)
        assert len(self.records("dose")) == before + 1 and begins_s.denominator == 1
        assert 0 <= begins_s - self.second(pressed_ms) <= SLICE_S
        self._count("demand", volume_nl, Fraction(begun.uptime_ms, MS_PER_S))
        self._join(begun.fields["token"].hex(), Dose("demand", int(begins_s), volume_nl, Fraction(volume_nl, duration_s)))
        return ""

    def cancel(self) -> None:
        """Cancel the newest bolus: it ends within a lease with its due steps, and no more than reported."""
        token, dose = list(self.tokens.items())[-1]
        begun = self.span.of_dose(dose, self.second())
        most = self.device.ask_raw("bolus.cancel", token=token)["result"]["planned_steps"]
        assert begun <= most <= self.span.of_dose(dose, self.second() + LEASE_S)
        self.device.run_for(LEASE_S)
        (ended,) = [row for row in self.records("bolus_ended") if row.fields["token"].hex() == token]
        second = self.second(ended.uptime_ms)
        assert second.denominator == 1 and ended.fields["delivered_steps"] == self.span.of_dose(dose, int(second)) <= most
        dose.cancel_s = int(second)

    def temporary(self, duration_s: int, **params: int) -> str:
        """Another one is refused until all of the one before is planned, at most a slice before its end."""
        ends_s = max([row.end_s for row in self.span.temporaries], default=0)
        active, surely = ends_s > self.second(), ends_s > self.second() + SLICE_S
        asked = {"rate_nl": 0, "numerator": 0, "denominator": 0, **params}
        reply = self.ask("temporary.start", duration_s=duration_s, **asked)
        must, may = self._raises_too_far(duration_s, asked)
        if "refused" in reply:
            assert reply["refused"]["fault"] in ({"temporary_active"} if active else set()) | (set() if surely else may), (reply, may)
            return str(reply["refused"]["fault"])
        assert not surely and not must, (reply, must)
        begin_s = self.whole_second(reply["begins_at_ms"], LEASE_S)
        assert begin_s >= ends_s
        end_s = begin_s + duration_s
        assert self.second(reply["ends_at_ms"]) == end_s
        self.span.temporaries.append(Temporary(begin_s, end_s, **asked))
        self.temporary_token = reply["token"]
        return ""

    def _raises_too_far(self, duration_s: int, asked: dict[str, int]) -> tuple[set[str], set[str]]:
        """Like `_too_fast`, for a temporary rate beside the fastest bolus that waits or runs."""
        now_s, found = math.ceil(self.second()), set()
        fastest = max((dose.rate for dose in self._unended(self.second())), default=ZERO)
        for begin_s in range(now_s, now_s + SLICE_S + 1):
            row = Temporary(begin_s, begin_s + duration_s, **asked)
            found.add(self._is_too_fast(row.rate(self.span.highest_beside(begin_s, row.end_s), self.plan), fastest))
        reasons = {"rate_above_ceiling"}
        return reasons if found == {True} else set(), reasons if True in found else set()

    def _unended(self, second: Fraction) -> list[Dose]:
        """Return those that wait or run."""
        return [dose for dose in self.span.doses
                if (self.span.active(dose, second) < dose.duration_s() if dose.kind == "extended" else dose.end_s() > second)]

    def cancel_temporary(self) -> None:
        reply = self.device.ask_raw("temporary.cancel", token=self.temporary_token)["result"]
        self.span.temporaries[-1].end_s = self.whole_second(reply["ends_at_ms"], LEASE_S)

    def change_program(self, packed: bytes, plan: Plan) -> None:
        """Change the program; it takes effect at a lease boundary, which the journal names."""
        self.device.upload(packed)
        asked_s = self.second()
        self.device.run_for(LEASE_S + 60)
        (changed,) = self.records("program_changed")
        second = self.second(changed.uptime_ms)
        assert second.denominator == 1 and 0 <= second - asked_s <= LEASE_S
        self.plan = plan
        self.span.takeovers.append((int(second), plan))

    def stop(self) -> None:
        self.check_records()
        self.look()
        self.device.client.stop()
        self.ended()

    def lose_power(self, off_s: int, wall: tuple[int, tuple[int, int] | None], begun: Callable[[], bool]) -> None:
        """Cut the power and restore it. The rest of a lease counts as delivered; powered-on time may be forgotten, never invented."""
        self.check_records()
        uptime_ms, before = self.uptime_ms(), self.device.client.status()
        true_steps = self.device.power_cycle(off_s)
        after, boot = self.device.client.status(), self.records("boot")[-1].fields
        known = true_steps + self.uncertain_steps
        assert boot["confirmed_steps"] <= known <= boot["leased_steps"] == before["leased_steps"] + GUARD_STEPS, (known, boot)
        self.uncertain_steps = boot["leased_steps"] - true_steps
        really_s = self.powered_base_s + Fraction(uptime_ms, MS_PER_S)
        self.powered_base_s = after["powered_on_s"] - after["uptime_ms"] // MS_PER_S
        assert really_s - FORGOTTEN_S <= self.powered_base_s <= really_s, (self.powered_base_s, really_s)
        while not begun():
            self.device.run_for(5)
        self.began(0, wall)

    def refill(self, measured_nl: int, filled_nl: int) -> dict[str, Any]:
        reply = self.ask("reservoir.refill", measured_nl=measured_nl, filled_nl=filled_nl)
        assert reply["left_nl"] == measured_nl + filled_nl
        self.tank.refill(self.device.client.status()["delivered_steps"], measured_nl, filled_nl)
        return reply
