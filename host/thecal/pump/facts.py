"""What a pump says of itself: asked for once in a verb, and handed to all that needs it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from thecal.errors import Failed, NoKey
from thecal.pump import clock
from thecal.pump.active import Calibration, pair_of, read_back

if TYPE_CHECKING:
    from pumpcore.program.plan import Program
    from thecal.pump.client import Client
    from thecal.pump.exchange import Reply


@dataclass(frozen=True)
class PumpFacts:
    """A pump at the moment of `status`; `reading` is what that says of its clock, `hello` the greeting of the open `client`.

    The pump goes on meanwhile: an order is judged by the pump when it comes, whatever stands here.
    """

    client: Client
    hello: Reply
    status: Reply
    reading: clock.Reading

    @cached_property
    def program(self) -> Program | None:
        """The program that the pump runs or would run; None when it has none. Asked for when it is first needed."""
        return read_back(self.client.program_read())

    def stop_command(self) -> str:
        """Return the command that stops this pump, by its name if it has one: two pumps may be plugged in."""
        return " ".join(filter(None, ("thecal stop", str(self.hello.get("name") or ""))))

    def known_program(self) -> Program | None:
        """The program; None also for one of a newer firmware, which this thecal can't read, and without a key that may read it."""
        from pumpcore.faults.faults import Refusal

        try:
            return self.program
        except (Refusal, NoKey):
            return None

    def active(self) -> Program:
        """The program. Failed when the pump has none."""
        if self.program is None:
            raise Failed("no program is active in the pump", "program it first: thecal program rx.toml")
        return self.program

    def pair(self) -> Calibration:
        """The calibration that counts. Failed when the pump has no bench."""
        return pair_of(self.status)


def ask(client: Client) -> PumpFacts:
    """The facts of an open pump, by one `status`."""
    status, reading = clock.read(client)
    return PumpFacts(client, client.greeting or client.hello(), status, reading)
