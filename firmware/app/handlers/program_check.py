"""program.check: works on the check of a staged program for a part of a second; to be asked again until it is done."""

from app import programs
from app.pump import Pump
from pumpcore.faults import Refusal


def program_check(pump: Pump, params: dict) -> dict:
    """`done` when the program may be activated. Refusals `not_staged`, `busy` while another one is checked, and of the 3xx family."""
    digest, setup, part = params["digest"], pump.setup, programs.PERMILLE
    if digest != setup.digest:
        row, now_ms = setup.staged(digest), pump.board.clock.uptime_ms()
        if row is None:
            raise Refusal("not_staged", digest=digest)
        setup.refuse_while_checking(now_ms, row)
        part = programs.check(setup, row, now_ms)
    return {"digest": digest, "done": part == programs.PERMILLE, "done_permille": part}
