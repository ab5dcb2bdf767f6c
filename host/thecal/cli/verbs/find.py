"""`thecal find`: send `hello` to every board on USB and every simulated pump of this computer."""

from typing import Any

import typer

from thecal.cli.options import AsJson, Port
from thecal.errors import NoPump, Refused, ThecalError
from thecal.terminal.complaint import report
from thecal.terminal.console import data, emit_json, headed, talk

PATIENCE_S = 5.0


def find(port: Port = None, as_json: AsJson = False) -> None:
    """List the pumps on USB and the simulated pumps of this computer."""
    from thecal.pump.opening import is_unfit, look
    from thecal.pump.transport.ports import awaited, named

    chosen = named(port)
    found = [look(candidate) for candidate in ([chosen] if chosen else awaited(PATIENCE_S, announce_wait))]
    if as_json:
        emit_json(found)
    elif found:
        tell_doubles(found)
        data(headed([("port", "name", "kind", "bench", "unique id", "firmware", "calibration", "clock"), *map(row, found)]))
    unfit = [about for about in found if is_unfit(about)]
    if unfit and len(unfit) < len(found):
        for about in unfit:
            talk("\n".join(cure(about)))
    if any("hello" in about for about in found):
        return
    error = unusable(found, unfit)
    if not as_json:
        raise error
    report(error, False)  # the list is the one document on stdout; it says the same port by port
    raise typer.Exit(error.exit_code)


def tell_doubles(found: list[dict[str, Any]]) -> None:
    """Say which name several of the pumps have."""
    called = [about["hello"].get("name") for about in found if "hello" in about]
    for name in sorted({name for name in called if name and called.count(name) > 1}):
        talk(f'{called.count(name)} pumps are called "{name}": give one another name: thecal name NEW --port PORT')


def unusable(found: list[dict[str, Any]], unfit: list[dict[str, Any]]) -> ThecalError:
    """Why none of the ports `found` has a pump that can be used; `unfit` are those whose firmware can't run it."""
    if unfit:
        error = unfit[0]["error"]
        return Refused(error["code"], error["fault"], *cure(unfit[0]))
    cause = found[0]["error"]["cause"] if len(found) == 1 else "no pump found"
    return NoPump(cause, "plug one in, name its port with --port, or start a simulated one: `thecal sim`")


def cure(about: dict[str, Any]) -> tuple[str, str]:
    """Return cause and command for a pump that can't run its firmware."""
    error, port_url = about["error"], about["port_url"]
    do = f"flash it again: `thecal flash --port {port_url}`"
    if about["origin"] == "simulator":
        do = "end its `thecal sim`, then start a new pump: `thecal sim --fresh`"
    return f"{port_url}: {error['fault']}: {error['cause']}", do


def announce_wait() -> None:
    talk(f"no pump yet: looking for {PATIENCE_S:.0f} s more")


def row(about: dict[str, Any]) -> tuple[str, ...]:
    from thecal.pump.opening import is_unfit

    hello = about.get("hello")
    if is_unfit(about):
        return (about["port_url"], "", about["origin"], "", "", about["error"]["fault"], "", "")
    if hello is None:
        return (about["port_url"], "", about["origin"], about["error"]["cause"], "", "", "", "")
    values = [str(hello.get(key)) for key in ("bench", "unique_id", "firmware", "calibration_state")]
    return (about["port_url"], hello.get("name", ""), about["origin"], *values, about.get("clock", {}).get("text", ""))
