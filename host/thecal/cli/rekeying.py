"""Give a pump other keys, or none: the review before, the person at the stop button or the present program key, the proof after."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from thecal.cli.consent import Consent, unsent
from thecal.errors import Failed, Refused
from thecal.terminal.console import columns, confirm, talk

if TYPE_CHECKING:
    from thecal.pump.client import Client
    from thecal.pump.keys import Held
    from thecal.pump.signing import Keys

NONE, SET, DAMAGED = "none", "set", "damaged"  # the `keys` of a status
MAY = (
    ("no key", "stop, status, alarms, journal"),
    ("look", "also read program, calibration and forecast"),
    ("operate", "also start, bolus within the program, acknowledge alarms"),
    ("program", "everything: also programs, rates, calibration, clock, name, firmware, keys"),
)
QUESTIONS = {"new": "Draw keys for this pump?", "roll": "Replace the keys?", "forget": "Take the keys away?"}
LOCAL = r"socket://(127\.[0-9.]+|localhost|\[::1\]):.*"
LOST = "or, at the pump: thecal key new"


def called(client: Client) -> str:
    """Return the pump's name, otherwise its id."""
    return str((client.greeting or {}).get("name", "")) or f"the pump {client.unique_id}"


def set_now(client: Client) -> str:
    """Return NONE, SET or DAMAGED. Raises Failed for a firmware that knows no keys."""
    from thecal.pump.orders import require

    require(client, "key.set")
    return str(client.status().get("keys", NONE))


def described(where: str) -> str:
    """Say where keys are kept."""
    return "the system's keyring" if where == "keyring" else "a file that only you can read"


def change(client: Client, what: str, consent: Consent) -> bool:
    """Draw ("new"), replace ("roll") or take away ("forget") the keys of the pump. Returns False after a dry run."""
    from thecal.pump import keys, signing

    now, held = set_now(client), keys.load(client.unique_id)
    signs = now == SET and "program" in held.keys and client.proves("program", held.keys["program"])
    check(client, what, now, signs)
    talk(review(client, what, now, signs))
    if consent.dry_run:
        unsent([], consent.as_json)
        return False
    confirm(QUESTIONS[what], consent.yes)
    drawn = {} if what == "forget" else signing.drawn()
    if drawn:  # kept before the pump has them: a lost answer loses no key
        keys.save(client.unique_id, keys.Held(held.keys, drawn))
    send(client, drawn, held, by_button=not signs)
    if not drawn:
        keys.forget(client.unique_id)
        talk(f"{called(client)} has no keys any more")
        return True
    where = keys.save(client.unique_id, keys.Held(drawn))
    talk(f"{called(client)} has new keys and has proved each; they are kept in {described(where)}")
    talk("another computer needs its key anew: here `thecal key show ROLE`, there `thecal key add`")
    return True


def check(client: Client, what: str, now: str, signs: bool) -> None:
    """Raise Failed if this change makes no sense now, or is not possible here."""
    pump = called(client)
    if what == "new" and signs:
        raise Failed(f"{pump} has keys, and this computer has its program key", "replace them: thecal key roll")
    if what == "roll" and now == NONE:
        raise Failed(f"{pump} has no keys", "draw some: thecal key new")
    if what == "roll" and now == DAMAGED:
        raise Failed(f"the keys of {pump} are damaged", "draw others at the pump: thecal key new")
    if what == "roll" and not signs:
        raise Failed(f"this computer does not have the program key of {pump}", f"take it: thecal key add program; {LOST}")
    if what == "forget" and now == NONE:
        raise Failed(f"{pump} has no keys", "to remove what this computer remembers: thecal key forget --here")
    check_place(client)


def check_place(client: Client) -> None:
    """Raise Failed if the pump is not stopped, or not at this computer."""
    state, name = client.status()["state"], str((client.greeting or {}).get("name", ""))
    if state not in ("stopped", "alarm"):
        raise Failed(f"the pump is {state}; nothing was changed", f"stop it first: {f'thecal stop {name}'.strip()}")
    if "://" in client.port_url and not re.fullmatch(LOCAL, client.port_url):
        raise Failed("keys are set at the pump's own port only, not through a network", "do it on the computer with the pump")


def review(client: Client, what: str, now: str, signs: bool) -> str:
    """Return what will change, who allows it, and what each key will be good for."""
    then = {"new": "three new ones", "roll": "three new ones; every computer loses the present ones", "forget": "none"}[what]
    allowed = "the program key on this computer" if signs else "its stop button, held for 2 s and released"
    rows = [("pump", called(client)), ("keys now", now), ("keys then", then), ("allowed by", allowed)]
    return columns([*rows, *(() if what == "forget" else MAY)])


def send(client: Client, drawn: Keys, held: Held, by_button: bool) -> None:
    """Give the pump its keys and have it prove them. After a refusal the drawn keys are dropped; after a lost answer they are kept."""
    from thecal.cli.held_button import await_done
    from thecal.pump import keys

    try:
        await_done(lambda: client.key_set(drawn, by_button), "changing keys" if drawn else "taking the keys away", client.port_url)
    except Refused:
        if held.keys:
            keys.save(client.unique_id, held)
        else:
            keys.forget(client.unique_id)
        raise
    if not all(client.proves(role, key) for role, key in drawn.items()):
        raise Failed(f"{called(client)} does not take the keys that it was given", "draw others at the pump: thecal key new")
