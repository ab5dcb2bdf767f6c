"""`thecal find`: every pump on USB and every simulated pump of this machine, asked by our own `hello`."""

from typing import Any

from thecal.commands.options import AsJson, Port
from thecal.console import data, emit_json, headed, talk
from thecal.errors import NoPump

PATIENCE_S = 5.0


def find(port: Port = None, as_json: AsJson = False) -> None:
    """List the pumps on USB and the simulated ones that run here."""
    from thecal.connecting import look
    from thecal.transport.ports import awaited, named

    chosen = named(port)
    found = [look(candidate) for candidate in ([chosen] if chosen else awaited(PATIENCE_S, told))]
    if as_json:
        emit_json(found)
    elif found:
        data(headed([("port", "kind", "bench", "unique id", "firmware", "calibration", "clock"), *map(row, found)]))
    if not any("hello" in about for about in found):
        cause = found[0]["error"]["cause"] if len(found) == 1 else "no pump found"
        raise NoPump(cause, "plug one in, name its port with --port, or start a simulated one: `thecal sim`")


def told() -> None:
    talk(f"no pump yet: looking for {PATIENCE_S:.0f} s more")


def row(about: dict[str, Any]) -> tuple[str, ...]:
    hello = about.get("hello")
    if hello is None:
        return (about["port_url"], about["origin"], about["error"]["cause"], "", "", "", "")
    values = [str(hello.get(key)) for key in ("bench", "unique_id", "firmware", "calibration_state")]
    return (about["port_url"], about["origin"], *values, about.get("clock", {}).get("text", ""))
