"""Runs that the host steers: a signal that ends the verb ends the run too, and no further run begins after a `thecal stop`."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from thecal.errors import Failed, Interrupted, ThecalError
from thecal.pump.active import pair_of
from thecal.pump.client import Client
from thecal.pump.exchange import Reply
from thecal.pump.transport import registry
from thecal.quantities import measured

ENDING = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
# a `stop` takes at most 6 s, in which a second signal must not interrupt it
AGAIN_AFTER_S = 10.0


@contextmanager
def interruptible() -> Iterator[None]:
    """Raise Interrupted on TERM, HUP and Ctrl-C in this context. Ignore further signals for 10 s, while the stop is under way."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came_s: list[float] = []

    def handle(number: int, frame: FrameType | None) -> None:
        now_s = time.monotonic()
        if came_s and now_s - came_s[-1] < AGAIN_AFTER_S:
            return
        came_s.append(now_s)
        raise Interrupted(number)

    numbers = [getattr(signal, name) for name in ENDING if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers}
    for number in numbers:
        # `nohup`: the verb must survive the end of the terminal
        if not (before[number] is signal.SIG_IGN and signal.Signals(number).name == "SIGHUP"):
            signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in before.items():
            # after the first signal the process ends; a second one must not kill it before it has reported why
            signal.signal(number, signal.SIG_IGN if came_s else handler)


class StopNotes:
    """Return True if `thecal stop` ran on this computer since this object was made.

    The pump writes no record of a stop while it is stopped, and a run that began a moment after a stop would restart the motor.
    """

    def __init__(self, port_url: str) -> None:
        self._port_url = port_url
        self._before = registry.last_stop(port_url)

    def changed(self) -> bool:
        """Return True if a stop was given since this object was made."""
        return registry.last_stop(self._port_url) != self._before

    def check(self) -> None:
        """Raise Failed if a stop was given: no run begins after it."""
        if self.changed():
            raise Failed(
                "`thecal stop` was used meanwhile: no further run began, nothing was stored", "begin again after you have found the reason"
            )


def stopped_by(end: Interrupted, client: Client, token: str) -> Interrupted:
    """Stop the pump because of a signal; return the text to print. Raises Unknown if no answer to the stop arrives."""
    client.stop()
    return Interrupted(end.number, f"{end.cause}; the pump was stopped, {delivered(client, token)}")


def delivered(client: Client, token: str) -> str:
    """Describe the delivered volume of a run. Never raises: after a stop, an error must not hide that the pump stopped."""
    try:
        told = client.bolus_status(token)
        return amount(client, told) if "delivered_steps" in told else "nothing was delivered"
    except ThecalError as error:
        return f"how much the run delivered is not known ({error.cause})"


def amount(client: Client, told: Reply) -> str:
    """Format delivered and ordered volume of a run, by the pump's calibration."""
    pair = pair_of(client.status())
    volumes = (measured.total(told[name], pair).volume_nl for name in ("delivered_steps", "ordered_steps"))
    return f"{measured.part(*volumes)} were delivered"


def cut_short(client: Client, purpose: str, told: Reply) -> Failed:
    """Return the error for a run that ended early: another `thecal stop`, the stop button, an alarm or a power cut."""
    cause = f"the {purpose} run was {told['state']}: {amount(client, told)}, nothing was stored"
    return Failed(cause, "see the reason with `thecal status` and `thecal journal`; begin again after you have removed it")
