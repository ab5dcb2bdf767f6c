"""The function for each method. Those that must work without flash are here; the others are loaded on demand."""

import sys

from app.pump import Pump
from app.wire.tokens import VALID_MS
from pumpcore.faults.faults import Refusal
from pumpcore.units import MS_PER_S, S_PER_MINUTE, const
from pumpcore.wire.messages import METHODS, PROTOCOL

if 0:  # for the type checker alone
    from app.types import Answer, Handler, Json, Settings, System

# --- hello -------------------------------------------------------------------------------------------------------------------

FIRMWARE = const("0.1.0")
BENCH_ONLY = const("bench instrument: never to be connected to a person or an animal")

# a host needs these to check a program by the pump's own formula (pumpcore.limits.limits) before it sends it
CEILINGS = const(("rate_nl", "rate_seconds_s", "hour_nl", "day_nl", "max_rate_hz", "start_rate_hz", "acceleration_hz_per_s"))


def hello(pump: Pump, params: dict) -> dict:
    """Return versions, the release hashed at boot, identity, bench, program, calibration, ceilings, capabilities."""
    setup = pump.setup
    pair = setup.describe_calibration(pump.position_steps(), pump.book.wall) or {}
    return {
        "thecal": BENCH_ONLY,
        "protocol": list(PROTOCOL),
        "firmware": FIRMWARE,
        "release": pump.release,
        "implementation": pump.board.system.implementation,
        "unique_id": pump.board.system.unique_id,
        "journal_identity": pump.journal.identity,
        "name": setup.name,
        "bench": setup.bench.name if setup.bench else "",
        "program_digest": setup.digest,
        "calibration_state": pair.get("state", ""),
        "calibration_id": pair.get("id", ""),
        "calibration_expires_utc_s": pair.get("expires_utc_s", 0),
        "calibration_expires_nl": pair.get("expires_nl", 0),
        "ceilings": {name: getattr(setup.bench, name) for name in CEILINGS} if setup.bench else None,
        "capabilities": sorted(METHODS) + ["protocol"],
    }


# --- status ------------------------------------------------------------------------------------------------------------------


def status(pump: Pump, params: dict) -> dict:
    """Return everything that `watch` shows: state, times, rates, steps, alarms. Changes nothing."""
    result = identity(pump)
    result.update(_rates(pump))
    result.update(_steps(pump))
    result["temporary"] = temporary(pump)
    result["therapy"] = therapy(pump)
    return result


def identity(pump: Pump) -> dict:
    book, setup = pump.book, pump.setup
    counters = dict(pump.session.counters)
    counters["faults_suppressed"] = pump.alarms.suppressed
    counters["records_lost"] = pump.journal.lost
    motion, law = pump.delivery.motion, setup.law
    cause = "no_table" if law is None else law.cause if pump.delivery.span is not None else law.cause_now(setup)
    told = {
        "state": pump.state(),
        "checking": pump.checking is not None,
        "uptime_ms": pump.board.clock.uptime_ms(),
        "motor_steps": motion.motor_steps() if pump.selftest.done else book.position_steps,
        "law": "angle" if cause else "volume",
        "law_cause": cause,
        "rotor_sensor": motion.watch.state if motion.watch is not None else None,
        "boot": pump.journal.boot,
        "powered_on_s": book.powered_on_s(),
        "program_digest": setup.digest,
        "program_name": setup.program.name if setup.program else "",
        "calibration": setup.describe_calibration(pump.position_steps(), book.wall),
        "alarms": pump.alarms.active(),
        "events_sequence": pump.journal.rings["events"].next_sequence - 1,
        "faults_sequence": pump.journal.rings["faults"].next_sequence - 1,
        "motor_supply_mv": pump.board.supply.mv(),
        "motor_supply_high_mv": (setup.bench.supply_high_mv or None) if setup.bench else None,
        "free_memory_bytes": pump.board.system.free_memory_bytes(),
        "counters": counters,
        "last_error": pump.alarms.last_error,
        "keys": setup.keys_state(),
    }
    told.update(book.wall.describe())
    return told


def _rates(pump: Pump) -> dict:
    span, program = pump.delivery.span, pump.setup.program
    running: "dict[str, Json]" = {"entry": None, "entry_rate_nl": 0, "next_change_s": None, "protocol": None}
    if span is not None and not span.alone:
        program = span.basal.program  # another one may be active already, waiting for the end of the lease
        now_s = (pump.board.clock.uptime_ms() - span.origin_ms) // MS_PER_S
        entry = span.basal.entry_at(now_s)
        change_s = span.basal.until_change_s(now_s)
        running = {
            "entry": entry,
            "entry_rate_nl": span.basal.told_nl(entry, now_s),
            "next_change_s": change_s if change_s < 1 << 31 else None,
            "protocol": span.basal.course.describe(now_s) if span.basal.course is not None else None,
        }
    running["rate_seconds_s"] = program.rate_seconds_s if program else 0
    running["drugs"] = [{"name": drug[0], "ng": drug[1], "nl": drug[2]} for drug in program.content()] if program else []
    return running


def _steps(pump: Pump) -> dict:
    delivery, book, windows = pump.delivery, pump.book, pump.delivery.leases.windows
    delivered, extended = pump.position_steps(), delivery.orders.extended
    span, calibration, bolus = delivery.span, pump.setup.calibration, delivery.orders.bolus
    if span is None:  # otherwise the leases move them
        windows.move_to(book.powered_on_s() // S_PER_MINUTE)
    return {
        "ordered_steps": span.ordered_steps if span else delivered,
        "delivered_steps": delivered,
        "guard_steps": delivery.motion.guard.count(),
        "leased_steps": span.leased_steps if span else delivered,
        "uncertain_steps": book.uncertain_steps,
        "position_uncertain_steps": delivery.motion.position_uncertain_steps,
        "hour_nl": calibration.nl_for_steps(windows.hour_steps) if calibration else 0,
        "day_nl": calibration.nl_for_steps(windows.day_steps) if calibration else 0,
        "bolus": bolus.describe(delivery.delivered(bolus)) if bolus else None,
        "extended": extended.describe(delivery.delivered(extended)) if extended else None,
    }


def temporary(pump: Pump) -> dict | None:
    """Return the temporary rate that waits or runs."""
    present = pump.delivery.overlay.present
    if present is None:
        return None
    ends_ms = present.begins_at_ms + present.duration_s * MS_PER_S
    return {
        "token": present.token,
        "rate_nl": present.rate_nl,
        "numerator": present.numerator,
        "denominator": present.denominator,
        "duration_s": present.duration_s,
        "rest_s": max(0, (ends_ms - pump.board.clock.uptime_ms()) // MS_PER_S),
    }


def therapy(pump: Pump) -> dict | None:
    """Return the live state of the program's settings; None for a program without settings."""
    settings = pump.setup.program.settings if pump.setup.program else None
    if settings is None:
        return None
    now_s = pump.book.powered_on_s()
    name, wait_s = pump.doses.barred(settings, now_s)
    return {
        "demand_on": settings.demand_on,
        "demand_wait_s": wait_s,
        "demand_barred": name,
        "demands_in_day": pump.doses.counted(settings, now_s),
        "demands_refused": pump.presses.refused,
        "boluses_in_day_nl": pump.doses.counted_nl(now_s, settings.bolus_day_nl),
        "reservoir": reservoir(pump, settings) if settings.capacity_nl else None,
        "line": _line(pump),
        "library": settings.library,
        "library_version": settings.library_version,
        "overrides": settings.overridden(),
    }


def _line(pump: Pump) -> dict | None:
    """Return the two contents of the line and their front; None if it holds one, or the program gives no volume."""
    line, program, bridge = pump.setup.line, pump.setup.program, pump.delivery.bridge
    if line is None or not program.line_nl():
        return None
    told = line.describe(program, pump.position_steps(), pump.book.uncertain_steps)
    told["phase"] = bridge.phase if bridge is not None else ""
    return told


def reservoir(pump: Pump, settings: "Settings") -> dict:
    """Return the least volume left and how much more it may be; None for both if nobody has reported a refill."""
    tank, position = pump.setup.tank, pump.position_steps()
    told = {"capacity_nl": settings.capacity_nl, "low_nl": settings.low_nl, "empty_nl": settings.empty_nl}
    if tank is None:
        told.update({"left_nl": None, "spread_nl": None, "delivered_nl": 0, "refilled_utc_s": 0, "blocks": 0})
        return told
    told["left_nl"] = tank.left_nl(position)
    told["spread_nl"] = tank.spread_nl(pump.book.uncertain_steps)
    told["delivered_nl"] = tank.delivered_nl(position)
    told["refilled_utc_s"] = tank.utc_s
    told["blocks"] = tank.blocks
    return told


# --- stop --------------------------------------------------------------------------------------------------------------------


def stop(pump: Pump, params: dict) -> dict:
    """Stop the pump, whatever its state. Return the position after the halt in steps, by the guard's count."""
    position = pump.stop("host")
    return {"state": pump.state(), "delivered_steps": position}


# --- bolus_token -------------------------------------------------------------------------------------------------------------

_VALID = b'","valid_ms":%d}' % VALID_MS


def bolus_token(pump: Pump, params: dict) -> bytes:
    """Return a one-shot token, valid for 60 s and void at reset. Every order of a bolus needs one."""
    return b'{"token":"' + pump.tokens.issue(pump.board.clock.uptime_ms()) + _VALID


# --- key_challenge -----------------------------------------------------------------------------------------------------------


def key_challenge(pump: Pump, params: dict) -> bytes:
    """Return a challenge for one signature, valid for 60 s. It unloads no handler: each signed command needs one before it."""
    return pump.session.signature.aside("challenge")


# --- table -------------------------------------------------------------------------------------------------------------------

_FOLDER = const("app.wire.handlers.")
# Methods whose function is not in the file of their noun.
_ELSEWHERE = {"bolus.status": "outcome", "bolus.prime": "run", "ack": "alarms", "maintenance": "alarms"}

HANDLERS: "dict[str, Handler]" = {
    "hello": hello, "status": status, "stop": stop, "bolus.token": bolus_token, "key.challenge": key_challenge,
}


class Loader:
    """Load handlers: that of `a.b` is the function `a_b` of `app.wire.handlers.a`, with few exceptions.

    The last file stays loaded until another one is needed: a repeated question reads the flash once, and a pump holds at most one file.

    An object that outlives the answer (a bolus, a record) must be of a class that is always in memory. A class of a module that is loaded
    here and freed would be a new class each time.
    """

    def __init__(self, system: "System") -> None:
        self.system = system
        self.method = ""
        self._handler: "Handler | None" = None

    def expect(self, method: str) -> None:
        """Make room for a long line, and load what it asks for while it still arrives. Without memory for that it is loaded later."""
        self.make_room()
        try:
            self.handler(method, True)
        except Refusal:
            return

    def handler(self, method: str, collected: bool = False) -> "Handler":
        """Return the function for `method`. Refusal `not_loaded` if flash or memory fails; then nothing has happened."""
        if method != self.method:
            file = file_of(method)
            if file != file_of(self.method):
                self.give_back(_family(method) == _family(self.method))
                if not collected:  # what the command makes to stay must not lie behind garbage, where it would cut memory in pieces
                    self.system.make_room()
            try:
                self._handler = getattr(__import__(_FOLDER + file, None, None, (file,)), method.replace(".", "_"))
            except (ImportError, OSError, MemoryError, ValueError, RuntimeError, AttributeError) as error:
                self.give_back()
                raise Refusal("not_loaded", cause=repr(error)[:80])
            self.method = method
        return self._handler

    def answer(self, pump: Pump, method: str, params: dict) -> "Answer":
        """Run a command. If memory or flash fails before anything has happened, free what the last command needed, and try once more."""
        again = True
        while True:
            try:
                return (pump.session.handlers.get(method) or self.handler(method, not again))(pump, params)
            except (MemoryError, Refusal) as error:
                if not again or not _nothing_happened(error, method):
                    raise
                again = False
                self.make_room()

    def make_room(self) -> None:
        """Free what the last command needed, and collect."""
        self.give_back()
        self.system.built()

    def give_back(self, kept: bool = False) -> None:
        """Free what was loaded, by power-up too, or half loaded by a failed import.

        All that stays in memory is one file on a pump, this one (thecal.deploy.units), so every other file of app and pumpcore may go.
        `kept`: free handlers only, because the next one needs the rest too.
        """
        self.method, self._handler = "", None
        files = [name for name, module in sys.modules.items() if name != __name__ and not hasattr(module, "__path__")]
        given = [name for name in files if name.startswith(_FOLDER) or (not kept and name.split(".")[0] in ("app", "pumpcore"))]
        self.system.forget(*given)


def _nothing_happened(error: BaseException, method: str) -> bool:
    if type(error) is Refusal:
        return error.fault.name == "not_loaded"
    return method != "stop" and not METHODS[method][1]


def file_of(method: str) -> str:
    """Return the file of a method's function in this folder: that of its noun, with few exceptions."""
    return _ELSEWHERE.get(method) or _family(method)


def _family(method: str) -> str:
    """Return the noun. program.stage, check and activate follow each other, and loading what they need takes 0.4 s."""
    return method.split(".")[0]
