"""Ask the pump until a person has held and released its stop button: for what nobody may do without standing at the pump."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from thecal.errors import Failed
from thecal.terminal.console import talk

if TYPE_CHECKING:
    from thecal.pump.exchange import Reply

ASK_EVERY_S = 0.5
LONGEST_S = 180.0  # a pump waits 60 s for the press and 60 s for the release


def await_done(ask: Callable[[], Reply], what: str, port_url: str) -> Reply:
    """Return the reply that is `done`; meanwhile say what to do at the pump. `what` needs the person. Raises Refused, Unknown or Failed."""
    told = release = False
    end_s = time.monotonic() + LONGEST_S
    while time.monotonic() < end_s:
        reply = ask()
        if reply["done"]:
            return reply
        if not told:
            talk(
                f"{what} needs a person at the pump: press its stop button within {reply['wait_s']} s, "
                f"hold it for {reply['hold_s']} s, and release it when this says so. "
                f"Simulated: thecal sim --press hold --port {port_url}"
            )
            told = True
        elif not reply["hold_s"] and not release:
            talk(f"held long enough: release the stop button now, within {reply['wait_s']} s")
            release = True
        time.sleep(ASK_EVERY_S)
    raise Failed("the pump still waits for its stop button, longer than it says", "see its state: thecal status; then try again")
