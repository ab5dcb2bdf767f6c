"""Stop a pump: first the word on the wire, then everything else."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from thecal.api.person import Person
    from thecal.api.session import Session
    from thecal.pump.client import Client

AFTER_S = 2.0  # to ask the stopped pump what it did
WAIT_S, PAUSE_S = 1.0, 0.05  # for an exchange of another thread


@dataclass(frozen=True)
class Stopped:
    """A pump that has stopped. `delivered_steps` is its position. `text` says what the run delivered and what it left, "" if nothing ran
    or the answer was lost. `data` is what `thecal stop --json` prints."""

    delivered_steps: int
    text: str
    data: dict[str, Any]


def stop(session: Session, person: Person) -> Stopped:
    """Stop the pump now, in any state. Another thread's exchange does not delay it. Raises Unknown if no answer came."""
    try:
        with session.stopping():
            if not wait_for_turn(session):
                with session.beside() as client:
                    return asked_to_stop(client)
            try:
                session.release()  # a fresh connection needs nothing of what is half read
                with session.opened() as client:
                    return asked_to_stop(client)
            finally:
                session.release()  # a stop may have opened the port beside another program's lock: nothing else may
                session.unlock()
    finally:
        note(session.port_url, person.note)


def wait_for_turn(session: Session) -> bool:
    """Take the session's lock. While another thread has it, write the bare word between its bytes: the pump acts on that at once. Returns
    False after a second."""
    begun_s, pause_s = time.monotonic(), 0.0
    while not session.try_lock(pause_s):
        session.interject(b"\nstop\n")
        pause_s = PAUSE_S
        if time.monotonic() - begun_s > WAIT_S:
            return False
    return True


def asked_to_stop(client: Client) -> Stopped:
    """Stop by the bare word; then ask the stopped pump what it did."""
    reply = client.stop()
    return after(client, reply)


def after(client: Client, reply: dict[str, Any], steps: bool = False) -> Stopped:
    """Ask a pump that has just stopped what it did. An answer that another program may have read is not asked for.
    `steps`: in the pump's own numbers too."""
    from thecal.text.stopped import outcome

    patience_s, client.patience_s = client.patience_s, AFTER_S
    found = None if client.shared() else outcome(client)
    client.patience_s = patience_s
    data = {**reply, **(found.as_dict() if found else {"run": None})}
    return Stopped(int(reply["delivered_steps"]), found.text(steps) if found else "", data)


def note(port_url: str, tell: Callable[[str], None]) -> None:
    """Note the stop for the programs of this computer that steer the pump; after the stop, so that a full or slow disk can't delay it.
    `tell` receives a line if that fails."""
    from thecal.pump.transport import registry

    try:
        registry.note_stop(port_url)
    except OSError as error:
        tell(f"this stop could not be noted for a running calibration or weighing: {error.strerror}")
