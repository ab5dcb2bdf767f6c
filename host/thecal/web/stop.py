"""STOP from the page: the way of `thecal stop`, beside every lock. It waits for no poll, no download, no review and no login."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

from thecal.errors import ThecalError, Unknown
from thecal.pump.client import Client
from thecal.pump.transport import registry
from thecal.terminal.console import talk
from thecal.web.sessions import nobody
from thecal.web.shapes import Stopped
from thecal.web.view import volume_text

if TYPE_CHECKING:
    from thecal.pump.exchange import Reply
    from thecal.web.pump import WebPump

STOPPED = "stopped"
LOOK_S, AGAIN_S = 2.5, 0.05  # after the 2 s in which a stop beside another program is repeated


def stop(pump: WebPump) -> Stopped:
    """Stop a pump now. Raises Unknown if no answer came: then the motor must be looked at."""
    pump.turn.stop_begins()
    try:
        with Client(pump.port_url, signer=nobody()) as client:
            reply = client.stop()
    except Unknown as error:
        pump.turn.stop_ends()
        reply = seen_stopped(pump, error)
    except BaseException:
        pump.turn.stop_ends()
        raise
    else:
        pump.turn.stop_ends()
    finally:
        note(pump.port_url)
        pump.wake()
    return Stopped(state=reply["state"], delivered_text=delivered_text(pump, int(reply["delivered_steps"])))


def seen_stopped(pump: WebPump, error: Unknown) -> Reply:
    """Return the status of a pump that has stopped although another program read the answer away. Raises `error` if none comes soon."""
    until_s = time.monotonic() + LOOK_S
    client = pump.new_client()
    while time.monotonic() < until_s:
        with suppress(ThecalError):
            status = client.status()
            if status["state"] == STOPPED:
                return status
            break  # it goes on, or somebody has started it again
        time.sleep(AGAIN_S)
    raise error


def delivered_text(pump: WebPump, position_steps: int) -> str:
    """Return the volume of the run that was stopped, if the server saw it begin; otherwise the total."""
    status = pump.known.status
    if status is None:
        return ""
    if pump.run_from_steps is not None and position_steps >= pump.run_from_steps:
        return f"this run delivered {volume_text(position_steps - pump.run_from_steps, status)}"
    return f"{volume_text(position_steps, status)} in all"


def note(port_url: str) -> None:
    """Note the stop for the programs of this computer that steer the pump; after the stop, so that no slow disk delays it."""
    try:
        registry.note_stop(port_url)
    except (OSError, ThecalError) as error:
        talk(f"this stop could not be noted for a running calibration or weighing: {error}")
