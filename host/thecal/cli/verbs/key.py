"""`thecal key`: who may change a dose. Draw keys for a pump, show one, add one that another computer has, roll them, take them away."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from thecal.cli.complete import key_actions, roles
from thecal.cli.consent import Consent, unsent
from thecal.cli.options import AsJson, DryRun, Port, Yes
from thecal.cli.rekeying import MAY, SET, called, change, described, set_now
from thecal.errors import BadInput, Failed, NoKey
from thecal.terminal.console import columns, confirm, data, emit_json, talk

if TYPE_CHECKING:
    from thecal.pump.client import Client

ACTIONS = ("status", "new", "show", "add", "roll", "forget")
TAKE_ROLE = ("show", "add")


def key(
    what: Annotated[
        str, typer.Argument(metavar="[new|show|add|roll|forget]", help="Without: what is set.", autocompletion=key_actions)
    ] = "status",
    role: Annotated[str | None, typer.Argument(metavar="ROLE", help="look, operate or program.", autocompletion=roles)] = None,
    source: Annotated[
        Path | None, typer.Option("--from", metavar="FILE", help="add: read the key from a file, - for stdin (default: ask).")
    ] = None,
    here: Annotated[bool, typer.Option("--here", help="forget: only on this computer; the pump keeps its keys.")] = False,
    port: Port = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Set, show and change the keys of a pump. With keys it takes a command only from a computer that has the key for it."""
    from thecal.pump.opening import open_pump

    check_words(what, role, source, here)
    with open_pump(port) as client:
        if what == "status":
            show_state(client, as_json)
        elif what == "show":
            show_key(client, str(role), as_json)
        elif what == "add":
            add(client, role, source, as_json)
        elif here:
            forget_here(client, Consent(yes, dry_run, as_json))
        else:
            if change(client, what, Consent(yes, dry_run, as_json)):
                show_state(client, as_json)


def check_words(what: str, role: str | None, source: Path | None, here: bool) -> None:
    """Raise BadInput for words that do not belong together."""
    from thecal.pump.signing import ROLES

    if what not in ACTIONS:
        raise BadInput(f'"{what[:40]}" is none of new, show, add, roll, forget', "see: thecal key --help")
    if role is not None and role not in ROLES:
        raise BadInput(f'"{role[:40]}" is not a role', f"the roles are {', '.join(ROLES)}")
    if role is not None and what not in TAKE_ROLE:
        raise BadInput(f"`key {what}` takes no role: it is about all three keys", "see: thecal key --help")
    if what == "show" and role is None:
        raise BadInput("`key show` needs the role whose key it prints", "write it like: thecal key show operate")
    if source is not None and what != "add":
        raise BadInput(f"--from does not belong to `key {what}`", "write it like: thecal key add --from FILE")
    if here and what != "forget":
        raise BadInput(f"--here does not belong to `key {what}`", "write it like: thecal key forget --here")


# --- what is set, and what is here


def show_state(client: Client, as_json: bool) -> None:
    """Print what the pump has and which keys this computer holds; no key."""
    from thecal.pump import keys
    from thecal.pump.signing import ROLES

    now = set_now(client)
    held = [role for role in ROLES if role in keys.load(client.unique_id).keys]
    if as_json:
        emit_json({"unique_id": client.unique_id, "keys": now, "held": held})
        return
    state = {
        "none": "none set: everybody at the cable may do everything",
        "set": "set: a command needs the key of its role",
        "damaged": "damaged: nobody has a key that counts. Draw others at the pump: thecal key new",
    }.get(now, now)
    here = ", ".join(held) if held else "none" + (": take one with `thecal key add`" if now == SET else "")
    data(columns([("pump", called(client)), ("keys", state), ("this computer has", here), *MAY]))


# --- a key for another computer


def show_key(client: Client, role: str, as_json: bool) -> None:
    """Print one key. Nothing else ever does."""
    from thecal.pump import keys, signing

    held = keys.load(client.unique_id).keys
    if role not in held:
        do = f"ask for it on a computer that has it: thecal key show {role}"
        raise NoKey(f"this computer does not have the {role} key of {called(client)}", do)
    if as_json:
        emit_json({"unique_id": client.unique_id, "role": role, "key": held[role].hex()})
        return
    data(signing.text_of(role, held[role]))
    talk(f"who has this line may {dict(MAY)[role]}. On the other computer: thecal key add")


def add(client: Client, role: str | None, source: Path | None, as_json: bool) -> None:
    """Take a key of another computer, and have the pump prove it before it is kept."""
    from thecal.pump import keys, signing

    if set_now(client) != SET:
        raise Failed(f"{called(client)} has no keys", "draw some: thecal key new")
    written, key = signing.read(text_from(source))
    if role and written and role != written:
        raise BadInput(f"this is the {written} key, not the {role} key", f"write: thecal key add {written}")
    role = role or written
    if not role:
        raise BadInput("the text does not say the role of its key", "name it: thecal key add operate")
    if not client.proves(role, key):
        do = f"type it again, or print the present one on a computer that has it: thecal key show {role}"
        raise Failed(f"this is not the {role} key of {called(client)}; nothing was kept", do)
    held = keys.load(client.unique_id) if keys.holds(client.unique_id) else keys.Held()
    where = keys.save(client.unique_id, keys.Held({**held.keys, role: key}))
    talk(f"the {role} key of {called(client)} is kept in {described(where)}")
    show_state(client, as_json)


def text_from(source: Path | None) -> str:
    """Return the text of a key, from a file, from stdin, or typed without being shown."""
    if source is None and sys.stdin.isatty():
        import getpass

        return getpass.getpass("key (not shown): ")
    if source is None or str(source) == "-":
        text = sys.stdin.readline()
        if not text:
            raise Failed("no key on stdin", "type it, or name a file: thecal key add --from FILE")
        return text
    try:
        return source.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise BadInput(f"{source} can't be read: {why}", "name the file with the key") from None


# --- nothing here any more


def forget_here(client: Client, consent: Consent) -> None:
    """Remove the keys from this computer only."""
    from thecal.pump import keys

    if not keys.holds(client.unique_id):
        raise Failed(f"this computer has no keys of {called(client)}", "see: thecal key")
    talk(f"the pump keeps its keys; without a copy on another computer they are lost: {called(client)}")
    if consent.dry_run:
        unsent([], consent.as_json)
        return
    confirm("Remove its keys from this computer?", consent.yes)
    keys.forget(client.unique_id)
    show_state(client, consent.as_json)
