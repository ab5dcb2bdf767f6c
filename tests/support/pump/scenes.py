"""Beginnings of stories for the tests of app: a pump that runs, a cut, what the plant did, and R2 looked at in every turn."""

from functools import cache

from pumpcore import ledger
from pumpcore.program import Program
from pumpcore.units import ceil_div
from pumpcore.wire import messages
from pumpcore.wire import messages as frame
from support.pump.unit_pump import MONDAY_UTC_S, UnitPump, blank_image, constant

SETTLED_S = 0.05  # the self test is over
HIGH_WATER_S = 7  # low water 2.5 s and a slice of 4 s, rounded up


@cache
def blank() -> bytes:
    return blank_image()


class Watched(UnitPump):
    """A pump whose ledger is compared with what it delivered after every turn of the loop (R2, R3)."""

    def __init__(self, image: bytes, utc_s: int = 0) -> None:
        super().__init__(image, utc_s)
        self.turns_watched = 0
        self._span, self._fastest = None, (0, 0)
        turn = self.pump.turn

        def watched_turn() -> None:
            turn()
            self.look()

        self.pump.turn = watched_turn

    def look(self) -> None:
        app = self.pump
        if not app.selftest.done:
            return
        delivery, record = app.delivery, app.delivery.leases.files.record
        delivered = delivery.motion.delivered_steps()
        assert delivered == self.delivered_at_boot() + self.plant_steps()
        runs = record.state in (ledger.RUNNING, ledger.ALONE)
        assert delivered <= record.leased_steps or not runs
        if delivery.span is not None and runs:
            self.turns_watched += 1
            assert delivered <= delivery.span.leased_steps
            assert record.leased_steps - delivered <= self._most_open(delivery)

    def _most_open(self, delivery: object) -> int:
        """max(1 step, queue) + 60 s of basal + 5 s of a bolus, at most 5 % of it + the guard's step; in steps."""
        pair, span = delivery.setup.calibration, delivery.span
        assert span is not None
        if span.alone:
            bolus_per_s = ceil_div(delivery.orders.bolus.rate_nl * pair.steps, delivery.orders.bolus.rate_seconds_s * pair.volume_nl)
            return max(1, HIGH_WATER_S * bolus_per_s) + min(5 * bolus_per_s, delivery.orders.bolus.steps // 20 + bolus_per_s) + 1
        program = span.basal.program
        highest_nl, temporary = program.highest_rate_nl(), delivery.overlay.present
        if temporary is not None:
            highest_nl = max(highest_nl, ceil_div(temporary.of(highest_nl), temporary.parts()))
        bridge = delivery.bridge
        if bridge is not None:
            highest_nl = max(highest_nl, ceil_div(highest_nl * bridge.numerator, bridge.denominator))
        per_s = ceil_div(highest_nl * pair.steps, program.rate_seconds_s * pair.volume_nl)
        exact_60 = ceil_div(60 * highest_nl * pair.steps, program.rate_seconds_s * pair.volume_nl)
        if self._span is span:  # another program may have taken over: what the one before queued and leased is still there
            per_s, exact_60 = max(per_s, self._fastest[0]), max(exact_60, self._fastest[1])
        self._span, self._fastest = span, (per_s, exact_60)
        extra, bolus = 0, delivery.orders.bolus
        if bolus is not None and bolus.state == "delivering":
            bolus_per_s = ceil_div(bolus.rate_nl * pair.steps, bolus.rate_seconds_s * pair.volume_nl)
            extra = min(5 * bolus_per_s, bolus.steps // 20 + bolus_per_s)
            per_s += bolus_per_s
        extended = delivery.orders.extended
        if extended is not None and extended.state in ("delivering", "paused"):
            its_per_s = ceil_div(extended.rate_nl * pair.steps, extended.rate_seconds_s * pair.volume_nl)
            extra += min(60 * its_per_s, extended.steps // 20 + its_per_s)
            per_s += its_per_s
        return max(1, HIGH_WATER_S * per_s) + exact_60 + extra + 1

    def plant_steps(self) -> int:
        """What the motor really made in this boot, without the self test's steps (made with the motor disabled)."""
        return self.board.guard.count() - self.pump.selftest._steps

    def delivered_at_boot(self) -> int:
        return self.pump.book.position_steps

    def state(self) -> str:
        return self.call("status")["state"]

    def fault(self, method: str, **params: object) -> str:
        """The name of the refusal of a command; AssertionError when it was done."""
        reply = self.ask(method, **params)
        assert "error" in reply, reply
        return reply["error"]["data"]["fault"]

    def request(self, method: str, **params: object) -> bytes:
        """The line of a request with a new id."""
        return frame.encode(messages.request("%016x" % next(self._ids), method, params))

    def call_raw(self, method: str, **params: object) -> dict:
        """The announcement of a bulk answer, without the bytes behind it."""
        line = self.line(self.request(method, **params))
        return frame.decode(line.split(b"\n", 1)[0])["result"]

    def alarms(self) -> list:
        """Names of the active alarms."""
        return [row["name"] for row in self.call("alarms")["alarms"]]

    def records(self, *names: str, ring: str = "events") -> list:
        """The fields of every record with one of these names, oldest first."""
        return [record.fields for record in self.journal(ring) if record.name in names]

    def order(self, volume_nl: int, rate_nl: int) -> str:
        """Orders a bolus; its token."""
        token = self.call("bolus.token")["token"]
        self.call("bolus.start", token=token, volume_nl=volume_nl, rate_nl=rate_nl)
        return token

    def bolus(self, token: str) -> dict:
        told = self.call("bolus.status", token=token)
        while told["state"] == "searching":
            told = self.call("bolus.status", token=token)
        return told


def ready(program: Program | None = None, utc_s: int = MONDAY_UTC_S, image: bytes | None = None) -> Watched:
    """A pump that has passed its self test; with `program` active when one is given."""
    pump = Watched(image if image is not None else blank(), utc_s)
    pump.advance(SETTLED_S)
    if program is not None:
        pump.upload(program)
    return pump


def running(program: Program | None = None, utc_s: int = MONDAY_UTC_S, image: bytes | None = None) -> Watched:
    """A pump that runs `program` (else 3.6 mL/h: 100 steps a second)."""
    pump = ready(program or constant(3_600_000), utc_s, image)
    pump.call("start")
    pump.advance(0.001)
    assert pump.state() == "running"
    return pump


def resuming(program: Program) -> Program:
    program.after_power_loss = "resume"
    return program


def power_cut(pump: Watched, off_s: int, known: bool = True) -> Watched:
    """The power fails now and comes back after `off_s`; with a clock chip when `known`."""
    utc_s = pump.board.clock.utc_s() + off_s if known else 0
    return Watched(pump.image(), utc_s)
