"""A pump's status as the page shows it: the words of `thecal status`, and numbers beside them."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pumpcore.faults.faults import ALARM
from pumpcore.orders.bolus import LIVE
from pumpcore.units import NL_PER_ML
from thecal.quantities import measured
from thecal.text import faults as fault_text
from thecal.text import law as law_text
from thecal.text import protocol as protocol_text
from thecal.text import status as status_text
from thecal.web.shapes import Active, Alarm, Keys, PumpView, Reservoir, Running, Today, Trouble

if TYPE_CHECKING:
    from pumpcore.program.plan import Program

Status = dict[str, Any]
STATES = {
    "running": "running",
    "stopped": "stopped",
    "alarm": "in alarm",
    "limited": "paused at a ceiling",
    "resuming": "resuming after a power cut",
    "priming": "priming",
    "calibrating": "calibrating",
    "maintenance": "in maintenance",
}
NO_DAY = Today(ml=None, plus_minus_ml=None, text="")
KEYS: tuple[Keys, ...] = ("none", "set", "damaged")


@dataclass
class Known:
    """What is known of a pump at the moment. `status` is the last one that came; `error` says why none comes."""

    id: str
    port: str
    hello: dict[str, Any] = field(default_factory=dict)
    status: Status | None = None
    program: Program | None = None
    today: Today = field(default_factory=lambda: NO_DAY)
    error: Trouble | None = None
    online: bool = False


def view(known: Known) -> PumpView:
    """Return the view of a pump."""
    hello, status = known.hello, known.status
    about: dict[str, Any] = {
        "id": known.id,
        "name": str(hello.get("name") or ""),
        "port": known.port,
        "unique_id": str(hello.get("unique_id") or ""),
        "online": known.online,
        "error": known.error,
    }
    if status is None:
        return PumpView(**about, **NOTHING_KNOWN)
    return PumpView(
        **about,
        state=status["state"],
        state_text=state_text(status),
        rate_text=status_text.rate_text(status, known.program),
        next_text=next_text(status, known.program),
        next_change_s=next_change_s(status),
        delivered_today=known.today,
        reservoir=reservoir(status),
        alarms=[alarm(number) for number in status["alarms"]],
        program=Active(name=status["program_name"], digest=status.get("program_digest") or "") if status.get("program_name") else None,
        orders=orders(status),
        law_text=law_text.line(status["law"], status["law_cause"]) if law_text.short(status) else "",
        keys=next((one for one in KEYS if one == status.get("keys")), "none"),
        asof_utc_s=int(time.time()),
    )


NOTHING_KNOWN: dict[str, Any] = {
    "state": "",
    "state_text": "not seen yet",
    "rate_text": "",
    "next_text": "",
    "next_change_s": None,
    "delivered_today": NO_DAY,
    "reservoir": None,
    "alarms": [],
    "program": None,
    "orders": [],
    "law_text": "",
    "keys": "none",
    "asof_utc_s": 0,
}


def state_text(status: Status) -> str:
    """Return the state in words."""
    word = str(status["state"])
    return STATES.get(word, word) + (", checking itself" if status.get("checking") else "")


def next_text(status: Status, program: Program | None) -> str:
    """Return what comes next: the next entry of the schedule, or the place in a protocol; "" if nothing runs."""
    if status["state"] not in ("running", "limited"):
        return ""
    if text := protocol_text.now_text(status):
        return text
    return status_text.next_text(status, program) if status.get("next_change_s") else "no change"


def next_change_s(status: Status) -> int | None:
    """Return the seconds to the next change of the rate; None if none is planned."""
    protocol = status.get("protocol")
    value = protocol.get("stage_left_s") if protocol else status.get("next_change_s")
    return int(value) if value is not None and status["state"] in ("running", "limited") else None


def reservoir(status: Status) -> Reservoir | None:
    """Return the reservoir; None if the program does not count it."""
    told = (status.get("therapy") or {}).get("reservoir")
    if not told:
        return None
    capacity, left = told.get("capacity_nl"), told.get("left_nl")
    text = dict(status_text.reservoir_rows(status)).get("reservoir", "")
    return Reservoir(
        left_ml=None if left is None else left / NL_PER_ML, capacity_ml=capacity / NL_PER_ML if capacity else None, text=text
    )


def alarm(number: int) -> Alarm:
    """Return an active fault with its words."""
    told = fault_text.described(number)
    return Alarm(
        fault=number, name=told["name"], text=told["text"], do=told["do"], severity="alarm" if told["severity"] == ALARM else "warning"
    )


def orders(status: Status) -> list[Running]:
    """Return the orders that go on, with the tokens that end them."""
    found: list[Running] = []
    for kind in ("bolus", "extended"):
        one = status.get(kind)
        if one and one["state"] in LIVE:
            found.append(Running(token=one["token"], kind=kind, text=status_text.bolus_text({**status, "bolus": one}).split(" (token")[0]))
    if status.get("temporary"):
        text = status_text.temporary_text(status).split(" (token")[0]
        found.append(Running(token=status["temporary"]["token"], kind="temporary", text=text))
    return found


def total_text(status: Status) -> str:
    """Return the delivered total."""
    return status_text.delivered_text(status)


def volume_text(steps: int, status: Status) -> str:
    """Return steps as a volume; in steps if the pump has no bench."""
    pair = status.get("calibration")
    return measured.total(steps, pair).text() if pair else f"{steps} steps"
