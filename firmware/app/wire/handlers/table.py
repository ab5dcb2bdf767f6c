"""Which function answers which method, and those functions that must need no flash; the others are loaded when asked for."""

import sys

from app.pump import Pump
from app.wire.session import VALID_MS
from pumpcore.faults.faults import Refusal
from pumpcore.units import MS_PER_S, S_PER_MINUTE
from pumpcore.wire.messages import METHODS, PROTOCOL

if 0:  # for the type checker alone
    from app.types import Handler, Settings, System

# --- hello -------------------------------------------------------------------------------------------------------------------
# hello: who this pump is and what it runs.

FIRMWARE = "0.1.0"
BENCH_ONLY = "bench instrument: never to be connected to a person or an animal"

# what a host needs to check a program by the pump's own formula (pumpcore.limits.limits) before it sends it
CEILINGS = ("rate_nl", "rate_seconds_s", "hour_nl", "day_nl", "max_rate_hz", "start_rate_hz", "acceleration_hz_per_s")


def hello(pump: Pump, params: dict) -> dict:
    """Versions, the release digest hashed at boot, identity, bench, program, calibration, ceilings, capabilities."""
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
        "bench": setup.bench.name if setup.bench else "",
        "program_digest": setup.digest,
        "calibration_state": pair.get("state", ""),
        "calibration_id": pair.get("id", ""),
        "calibration_expires_utc_s": pair.get("expires_utc_s", 0),
        "calibration_expires_nl": pair.get("expires_nl", 0),
        "ceilings": {name: getattr(setup.bench, name) for name in CEILINGS} if setup.bench else None,
        "capabilities": sorted(METHODS),
    }


# --- status ------------------------------------------------------------------------------------------------------------------
# status: everything that `watch` shows; changes nothing.


def status(pump: Pump, params: dict) -> dict:
    """State, times, rates, steps and alarms; every quantity with its unit in the name."""
    result = _identity(pump)
    result.update(_rates(pump))
    result.update(_steps(pump))
    result["temporary"] = _temporary(pump)
    result["therapy"] = _therapy(pump)
    return result


def _identity(pump: Pump) -> dict:
    book, setup = pump.book, pump.setup
    counters = dict(pump.session.counters)
    counters["faults_suppressed"] = pump.alarms.suppressed
    counters["records_lost"] = pump.journal.lost
    told = {
        "state": pump.state(),
        "uptime_ms": pump.board.clock.uptime_ms(),
        "boot": pump.journal.boot,
        "powered_on_s": book.powered_on_s(),
        "program_digest": setup.digest,
        "program_name": setup.program.name if setup.program else "",
        "calibration": setup.describe_calibration(pump.position_steps(), book.wall),
        "alarms": pump.alarms.active(),
        "events_sequence": pump.journal.rings["events"].next_sequence - 1,
        "faults_sequence": pump.journal.rings["faults"].next_sequence - 1,
        "motor_supply_mv": pump.board.supply.mv(),
        "free_memory_bytes": pump.board.system.free_memory_bytes(),
        "counters": counters,
        "last_error": pump.alarms.last_error,
    }
    told.update(book.wall.describe())
    return told


def _rates(pump: Pump) -> dict:
    span, program = pump.delivery.span, pump.setup.program
    running = {"entry": None, "entry_rate_nl": 0, "next_change_s": None}
    if span is not None and not span.alone:
        program = span.basal.program  # another one may be active already: it waits for the end of the lease
        now_s = (pump.board.clock.uptime_ms() - span.origin_ms) // MS_PER_S
        entry = span.basal.entry_at(now_s)
        change_s = span.basal.until_change_s(now_s)
        running = {
            "entry": entry,
            "entry_rate_nl": program.entries[entry][1],
            "next_change_s": change_s if change_s < 1 << 31 else None,
        }
    running["rate_seconds_s"] = program.rate_seconds_s if program else 0
    return running


def _steps(pump: Pump) -> dict:
    delivery, book, windows = pump.delivery, pump.book, pump.delivery.leases.windows
    delivered, extended = pump.position_steps(), delivery.orders.extended
    span, calibration, bolus = delivery.span, pump.setup.calibration, delivery.orders.bolus
    if span is None:  # a lease moves them otherwise
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


def _temporary(pump: Pump) -> dict | None:
    """The temporary rate that waits or runs."""
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


def _therapy(pump: Pump) -> dict | None:
    """What of the program's settings is live; null for a program without."""
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
        "reservoir": _reservoir(pump, settings) if settings.capacity_nl else None,
        "line": _line(pump),
        "library": settings.library,
        "library_version": settings.library_version,
        "overrides": settings.overridden(),
    }


def _line(pump: Pump) -> dict | None:
    """Two contents in the line, and the front between them; null while it holds one, or the program says no volume."""
    line, program, bridge = pump.setup.line, pump.setup.program, pump.delivery.bridge
    if line is None or not program.line_nl():
        return None
    told = line.describe(program, pump.position_steps(), pump.book.uncertain_steps)
    told["phase"] = bridge.phase if bridge is not None else ""
    return told


def _reservoir(pump: Pump, settings: "Settings") -> dict:
    """The least that is left, and how much more it may be; null where nobody has told."""
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
# stop: always acts, whatever the state, and tells where the pump stands.


def stop(pump: Pump, params: dict) -> dict:
    """The position after the halt, in steps, by the guard's count."""
    position = pump.stop("host")
    return {"state": pump.state(), "delivered_steps": position}


# --- bolus_token -------------------------------------------------------------------------------------------------------------
# bolus.token: a one-shot token; without one no bolus can be ordered.

_VALID = b'","valid_ms":%d}' % VALID_MS


def bolus_token(pump: Pump, params: dict) -> bytes:
    """A token that is valid for 60 s and void at reset."""
    return b'{"token":"' + pump.tokens.issue(pump.board.clock.uptime_ms()) + _VALID


# --- table -------------------------------------------------------------------------------------------------------------------
# Which function answers which method. Those that must need no flash are always here; the others are loaded when asked for.

_FOLDER = "app.wire.handlers."
# Methods whose function is not in the file of their noun.
_ELSEWHERE = {"bolus.status": "outcome", "bolus.prime": "run", "ack": "alarms", "maintenance": "alarms"}
# What power-up and some commands need, given back when they are done. What is always in memory imports none of it at its top.
LENT = """
app.programs.calibrating
app.programs.lines
app.records.naming
app.programs.programs
pumpcore.bench.bench
pumpcore.program.forecast
pumpcore.fluid.front
pumpcore.limits.limits
pumpcore.limits.order_limits
pumpcore.program.packing
pumpcore.program.settings
pumpcore.bench.weighed
pumpcore.wire.gaps
pumpcore.wire.record_types
"""

HANDLERS: "dict[str, Handler]" = {"hello": hello, "status": status, "stop": stop, "bolus.token": bolus_token}


class Loader:
    """The handler of `a.b` is the function `a_b` of `app.wire.handlers.a`, but for a few. The file that was loaded last stays until another
    is wanted: one question asked again and again reads the flash once, and a pump holds one such file at most.

    What a handler makes that outlives its answer (a bolus, a record) must be of a class that is always in memory: of a module
    that is loaded here and given back, each new copy would be another one.
    """

    def __init__(self, system: "System") -> None:
        self._system = system
        self._method = ""
        self._handler: "Handler | None" = None

    def handler(self, method: str) -> "Handler":
        """The function that answers `method`. Refusal `not_loaded` when flash or memory does not give it: nothing has happened."""
        if method != self._method:
            if file_of(method) != file_of(self._method):
                self.give_back(_family(method) == _family(self._method))
            try:
                file = file_of(method)
                self._handler = getattr(__import__(_FOLDER + file, None, None, (file,)), method.replace(".", "_"))
            except (ImportError, OSError, MemoryError, ValueError, RuntimeError, AttributeError) as error:
                self.give_back()
                raise Refusal("not_loaded", cause=repr(error)[:80])
            self._method = method
        return self._handler

    def give_back(self, keeps: bool = False) -> None:
        """What was loaded, also by power-up, and what a failed import left half done. `keeps`: not what the next handler needs too."""
        self._method, self._handler = "", None
        given = [name for name in sys.modules if name.startswith(_FOLDER) and name != _FOLDER + "table"]
        self._system.forget(*given, *(() if keeps else LENT.split()))


def file_of(method: str) -> str:
    """The file in this folder that holds a method's function: that of its noun, if no other."""
    return _ELSEWHERE.get(method) or _family(method)


def _family(method: str) -> str:
    """What stands before the point: program.stage, check and activate follow one another, and to load what they need takes 0.4 s."""
    return method.split(".")[0]
