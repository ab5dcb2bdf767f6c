"""`thecal status --all`: ask each pump of this computer, one after the other."""

from __future__ import annotations

from typing import Any

from thecal.errors import InAlarm, NoPump, ThecalError
from thecal.pump import clock
from thecal.pump.client import Client
from thecal.pump.transport import names
from thecal.pump.transport.ports import Candidate, candidates
from thecal.terminal.console import data, emit_json, headed

TIMEOUT_S = 1.0
HEAD = ("pump", "port", "state", "program", "delivers", "delivered", "alarms")


def show(as_json: bool) -> int:
    """Print each pump. Returns the exit code: 5 if one is in alarm, else that of the first pump that did not answer. Raises NoPump."""
    found = [asked(candidate) for candidate in candidates()]
    if not found:
        raise NoPump("no pump found", "plug one in, or start a simulated one: `thecal sim`")
    if as_json:
        emit_json(found)
    else:
        data(headed([HEAD, *map(row, found)]))
    if any(about.get("status", {}).get("state") == "alarm" for about in found):
        return InAlarm.exit_code
    return next((int(about["error"]["exit_code"]) for about in found if "error" in about), 0)


def asked(candidate: Candidate) -> dict[str, Any]:
    """Return the status of the pump on a port, or the `error` instead."""
    about: dict[str, Any] = {"port_url": candidate.port_url, "origin": candidate.origin, "name": "", "unique_id": ""}
    try:
        with Client(candidate.port_url, TIMEOUT_S, TIMEOUT_S) as client:
            hello = client.hello()
            names.learn(hello, candidate.port_url)
            status, reading = clock.read(client)
            about.update(name=str(hello.get("name", "")), unique_id=client.unique_id, status={**status, "clock": reading.as_dict()})
    except ThecalError as error:
        about["error"] = error.as_dict()
    return about


def row(about: dict[str, Any]) -> tuple[str, ...]:
    from thecal.quantities.amounts import made_text
    from thecal.text.status import rate_text

    who = about["name"] or about["unique_id"] or "-"
    if "error" in about:
        return (who, about["port_url"], about["error"]["cause"], "", "", "", "")
    status = about["status"]
    made = made_text(status["delivered_steps"], status["calibration"])
    alarms = ", ".join(map(str, status["alarms"])) or "-"
    return (who, about["port_url"], status["state"], status.get("program_name") or "-", rate_text(status), made, alarms)
