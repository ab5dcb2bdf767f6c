"""Parse option texts that several verbs share."""

from __future__ import annotations

from thecal.errors import BadInput


def one_port(pump: str | None, port: str | None) -> str | None:
    """Return the pump that was named as an argument or by --port. Raises BadInput if both differ."""
    if pump is not None and port is not None and pump != port:
        raise BadInput(f"{pump[:40]} and --port {port[:40]} name two pumps", "name one")
    return pump or port
