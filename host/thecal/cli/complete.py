"""What the shell proposes after TAB: ports, names, benches, faults, tokens, zones. Never fails, and waits for a pump only a moment."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import typer

Proposals = list[str | tuple[str, str]]
PATIENCE_S = 0.4


def quiet(found: Callable[[], Proposals], incomplete: str) -> Proposals:
    """Return the proposals that begin like the unfinished word; none after an error."""
    with suppress(Exception):
        return [one for one in found() if (one if isinstance(one, str) else one[0]).startswith(incomplete)]
    return []


def ports(incomplete: str) -> Proposals:
    """Propose the ports of boards and simulators, and the pumps' names."""

    def found() -> Proposals:
        from thecal.pump.transport import names
        from thecal.pump.transport.ports import candidates

        known = [(one.name, f"the pump {one.unique_id}") for one in names.known()]
        return [*known, *((one.port_url, one.origin) for one in candidates())]

    return quiet(found, incomplete)


def benches(incomplete: str) -> Proposals:
    """Propose the benches that come with thecal."""

    def found() -> Proposals:
        from thecal.files.resources import hardware_folder

        return [file.stem for file in sorted(hardware_folder().glob("*.toml"))]

    return quiet(found, incomplete)


def faults(incomplete: str) -> Proposals:
    """Propose the faults that are active on the only pump; all faults if there is none."""

    def found() -> Proposals:
        from pumpcore.faults import faults as numbers

        known = {number: name for names in numbers.NUMBERS.values() for name, number in names.items()}
        active = [known[number] for number in asked_status().get("alarms", []) if number in known]
        return [*(active or sorted(known.values())), "all"]

    return quiet(found, incomplete)


def tokens(incomplete: str) -> Proposals:
    """Propose the tokens of what runs or waits on the only pump."""

    def found() -> Proposals:
        status = asked_status()
        live = [(name, status.get(name)) for name in ("bolus", "extended", "temporary")]
        return [(str(one["token"]), name) for name, one in live if one]

    return quiet(found, incomplete)


def zones(incomplete: str) -> Proposals:
    """Propose time zones."""

    def found() -> Proposals:
        from zoneinfo import available_timezones

        return [*sorted(available_timezones())]

    return quiet(found, incomplete)


def verbs(ctx: typer.Context, incomplete: str) -> Proposals:
    """Propose the verbs."""
    top: Any = ctx.find_root().command
    return quiet(lambda: list(top.commands), incomplete)


def config_keys(incomplete: str) -> Proposals:
    """Propose the keys of the config file."""

    def found() -> Proposals:
        from thecal.files.config import KEYS

        return list(KEYS.items())

    return quiet(found, incomplete)


def key_actions(incomplete: str) -> Proposals:
    """Propose what `thecal key` does."""
    found: Proposals = [
        ("new", "draw keys at the pump"), ("show", "print one"), ("add", "take one of another computer"), ("roll", "replace all"),
        ("forget", "take them away"),
    ]  # fmt: skip
    return quiet(lambda: found, incomplete)


def roles(incomplete: str) -> Proposals:
    """Propose the roles of keys."""

    def found() -> Proposals:
        from thecal.pump.signing import ROLES

        return [*ROLES]

    return quiet(found, incomplete)


def schemas(incomplete: str) -> Proposals:
    """Propose the verbs that print JSON."""

    def found() -> Proposals:
        from thecal.cli.schema.verbs import SHAPES

        return list(SHAPES)

    return quiet(found, incomplete)


def asked_status() -> dict[str, Any]:
    """Return the status of the only pump; nothing if there are several, or if it does not answer at once."""
    from thecal.pump.client import Client
    from thecal.pump.transport.ports import candidates, named

    chosen = named(None)
    found = [chosen] if chosen else candidates()
    if len(found) != 1:
        return {}
    with Client(found[0].port_url, PATIENCE_S, PATIENCE_S) as client:
        return client.status()
