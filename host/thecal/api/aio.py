"""The same pumps for asyncio. `async with thecal.aio.open() as pump: await pump.run("1 mL/h", duration="2 h")`.

Each pump has a thread of its own, in which its calls run one after the other; `stop` has another one, so that it waits for no call.
`confirm` may be a plain function or a coroutine function. Parameters, units and errors are those of `Pump`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from inspect import isawaitable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from thecal.api import opening
from thecal.api.pump import Pump
from thecal.api.review import Order, Review, not_confirmed

if TYPE_CHECKING:
    from thecal.api.outcome import Outcome
    from thecal.api.prescribed import Checked, Given
    from thecal.api.running import Fluid
    from thecal.api.status import Status
    from thecal.api.stopping import Stopped
    from thecal.api.tables import Columns, Records
    from thecal.history.evidence import Evidence

Result = TypeVar("Result")
Confirm = Callable[[Review], "bool | Awaitable[bool]"]


def open(port_or_name: str | None = None, *, hold: bool = True) -> AsyncPump:
    """Return a pump that `async with` or `await` opens. Parameters and errors as for `thecal.open`."""
    return AsyncPump(partial(opening.open, port_or_name, hold=hold))


def simulated(
    bench: str = "sim-clock", *, speed: float = 1, seed: int | None = None, state: str | Path | None = None, hold: bool = True
) -> AsyncPump:
    """Return a simulated pump that `async with` or `await` starts. Parameters and errors as for `thecal.simulated`."""
    return AsyncPump(partial(opening.simulated, bench, speed=speed, seed=seed, state=state, hold=hold))


class AsyncReview:
    """An order that was checked and not yet sent: `plain` is the `Review` with its `question`, `rows`, `text`, `data` and `digest`."""

    def __init__(self, pump: AsyncPump, plain: Review) -> None:
        self.plain = plain
        self._pump = pump

    async def carry_out(self, at_once: bool = False) -> Order:
        """Send the order and return it. `at_once` and errors as for `Review.carry_out`."""
        return await self._pump.in_thread(partial(self.plain.carry_out, at_once))


class AsyncPump:
    """A pump for asyncio: the methods of `Pump`, to be awaited. Made by `thecal.aio.open` and `thecal.aio.simulated`.

    A call that is cancelled ends in its thread first: an order that was being sent may have been carried out, as after a lost link.
    """

    def __init__(self, opener: Callable[[], Pump]) -> None:
        self._opener = opener
        self._plain: Pump | None = None
        self._calls = ThreadPoolExecutor(1, "thecal pump")
        self._stops = ThreadPoolExecutor(1, "thecal stop")

    def __await__(self) -> Generator[Any, None, AsyncPump]:
        return self._open().__await__()

    async def __aenter__(self) -> AsyncPump:
        return await self._open()

    async def __aexit__(self, *details: object) -> None:
        await self.close()

    def __repr__(self) -> str:
        return repr(self._plain).replace("Pump", "AsyncPump") if self._plain is not None else "<thecal.AsyncPump, not open>"

    @property
    def plain(self) -> Pump:
        """Return the pump with the methods that block. Raises RuntimeError before the pump is open."""
        if self._plain is None:
            raise RuntimeError("this pump is not open: use it in an `async with`")
        return self._plain

    @property
    def port_url(self) -> str:
        """Return the port, such as "/dev/ttyACM0"."""
        return self.plain.port_url

    @property
    def name(self) -> str:
        """Return the pump's name when it was opened, "" if it has none."""
        return self.plain.name

    @property
    def unique_id(self) -> str:
        """Return the board's unique id in hex."""
        return self.plain.unique_id

    async def close(self) -> None:
        """Close the port; end the pump if it is a simulated one of this process."""
        if self._plain is not None:
            await self.in_thread(self._plain.close)
            self._plain = None
        self._calls.shutdown(wait=False)
        self._stops.shutdown(wait=False)

    async def in_thread(self, call: Callable[[], Result]) -> Result:
        """Run a call of the plain pump after those before it."""
        return await asyncio.get_running_loop().run_in_executor(self._calls, call)

    # --- orders with a review

    async def prepare_run(
        self,
        rate: str | None = None,
        *,
        duration: str | None = None,
        volume: str | None = None,
        drug: str | Fluid | None = None,
        stage: bool = True,
    ) -> AsyncReview:
        """As `Pump.prepare_run`."""
        return await self._review(partial(self.plain.prepare_run, rate, duration=duration, volume=volume, drug=drug, stage=stage))

    async def run(
        self,
        rate: str | None = None,
        *,
        duration: str | None = None,
        volume: str | None = None,
        drug: str | Fluid | None = None,
        confirm: Confirm | None = None,
    ) -> Order:
        """As `Pump.run`."""
        return await self._carried_out(await self.prepare_run(rate, duration=duration, volume=volume, drug=drug), confirm)

    async def prepare_program(
        self, prescription: Given | Checked, *, library: str | Path | None = None, overrides: Sequence[str] = (), steps: bool = False
    ) -> AsyncReview:
        """As `Pump.prepare_program`."""
        return await self._review(partial(self.plain.prepare_program, prescription, library=library, overrides=overrides, steps=steps))

    async def program(
        self,
        prescription: Given | Checked,
        *,
        library: str | Path | None = None,
        overrides: Sequence[str] = (),
        confirm: Confirm | None = None,
    ) -> Order:
        """As `Pump.program`."""
        return await self._carried_out(await self.prepare_program(prescription, library=library, overrides=overrides), confirm)

    async def prepare_restore(self, stage: bool = True) -> AsyncReview:
        """As `Pump.prepare_restore`."""
        return await self._review(partial(self.plain.prepare_restore, stage))

    async def restore(self, confirm: Confirm | None = None) -> Order:
        """As `Pump.restore`."""
        return await self._carried_out(await self.prepare_restore(), confirm)

    async def prepare_start(self, zone: str | None = None, set_clock: bool | None = None) -> AsyncReview:
        """As `Pump.prepare_start`."""
        return await self._review(partial(self.plain.prepare_start, zone, set_clock))

    async def start(self, confirm: Confirm | None = None, *, zone: str | None = None, set_clock: bool | None = None) -> Order:
        """As `Pump.start`."""
        from thecal.api import starting

        review = await self.prepare_start(zone, set_clock)
        if confirm is None and set_clock is None:
            starting.check_unmoved(review.plain.data)
        return await self._carried_out(review, confirm)

    async def prepare_bolus(self, volume: str | None = None, rate: str | None = None, *, over: str | None = None) -> AsyncReview:
        """As `Pump.prepare_bolus`."""
        return await self._review(partial(self.plain.prepare_bolus, volume, rate, over=over))

    async def bolus(self, volume: str, rate: str | None = None, *, over: str | None = None, confirm: Confirm | None = None) -> Order:
        """As `Pump.bolus`."""
        return await self._carried_out(await self.prepare_bolus(volume, rate, over=over), confirm)

    async def demand(self, confirm: Confirm | None = None) -> Order:
        """As `Pump.demand`."""
        return await self._carried_out(await self.prepare_bolus(), confirm)

    async def prepare_temporary(self, rate: str, duration: str) -> AsyncReview:
        """As `Pump.prepare_temporary`."""
        return await self._review(partial(self.plain.prepare_temporary, rate, duration))

    async def temporary(self, rate: str, duration: str, confirm: Confirm | None = None) -> Order:
        """As `Pump.temporary`."""
        return await self._carried_out(await self.prepare_temporary(rate, duration), confirm)

    async def prepare_prime(self, rate: str, again: bool = False) -> AsyncReview:
        """As `Pump.prepare_prime`."""
        return await self._review(partial(self.plain.prepare_prime, rate, again))

    async def prime(self, rate: str, again: bool = False, confirm: Confirm | None = None) -> Order:
        """As `Pump.prime`."""
        return await self._carried_out(await self.prepare_prime(rate, again), confirm)

    # --- orders without a review

    async def stop(self) -> Stopped:
        """As `Pump.stop`: it waits for no other call of this pump."""
        return await asyncio.get_running_loop().run_in_executor(self._stops, self.plain.stop)

    async def cancel(self, order: Order | str, kind: str | None = None) -> Order:
        """As `Pump.cancel`."""
        return await self.in_thread(partial(self.plain.cancel, order, kind))

    async def ack(self, fault: int | str = "all") -> list[dict[str, Any]]:
        """As `Pump.ack`."""
        return await self.in_thread(partial(self.plain.ack, fault))

    # --- questions

    async def status(self, steps: bool = False) -> Status:
        """As `Pump.status`."""
        return await self.in_thread(partial(self.plain.status, steps))

    async def dose(self, order: Order | str) -> dict[str, Any]:
        """As `Pump.dose`."""
        return await self.in_thread(partial(self.plain.dose, order))

    async def alarms(self) -> list[dict[str, Any]]:
        """As `Pump.alarms`."""
        return await self.in_thread(self.plain.alarms)

    async def calibration(self) -> dict[str, Any]:
        """As `Pump.calibration`."""
        return await self.in_thread(self.plain.calibration)

    async def wait(self, order: Order, timeout_s: float | None = None, on_progress: Callable[[int, int], None] | None = None) -> Outcome:
        """As `Pump.wait`; a cancelled wait ends at once. `on_progress` is called in the event loop's thread."""
        from thecal.api.following import INTERVAL_S, Patience, checked
        from thecal.api.outcome import outcome, watched_of

        loop, watched = asyncio.get_running_loop(), watched_of(order)

        def tell(made: int, whole: int) -> None:
            loop.call_soon_threadsafe(lambda: on_progress(made, whole) if on_progress is not None else None)

        watching = self.plain.watching(watched, Patience(timeout_s, None if on_progress is None else tell))
        while (found := await self.in_thread(watching.look)) is None:
            await asyncio.sleep(INTERVAL_S)
        return outcome(order, watched, checked(found, watched))

    async def journal(self, ring: str | None = None, *, from_sequence: int = 0) -> Columns:
        """As `Pump.journal`."""
        return await self.in_thread(partial(self.plain.journal, ring, from_sequence=from_sequence))

    async def records(self, ring: str = "events", from_sequence: int = 0) -> Records:
        """As `Pump.records`."""
        return await self.in_thread(partial(self.plain.records, ring, from_sequence))

    async def evidence(self) -> Evidence:
        """As `Pump.evidence`."""
        return await self.in_thread(self.plain.evidence)

    async def samples(self, every: str = "1 min") -> Columns:
        """As `Pump.samples`."""
        return await self.in_thread(partial(self.plain.samples, every))

    async def report(self, path: str | Path, *, days: int | None = None, overwrite: bool = True) -> Path:
        """As `Pump.report`."""
        return await self.in_thread(partial(self.plain.report, path, days=days, overwrite=overwrite))

    async def prescription(self) -> str:
        """As `Pump.prescription`."""
        return await self.in_thread(self.plain.prescription)

    async def read(self) -> str:
        """As `Pump.read`."""
        return await self.in_thread(self.plain.read)

    # --- how

    async def _open(self) -> AsyncPump:
        if self._plain is None:
            self._plain = await self.in_thread(self._opener)
        return self

    async def _review(self, prepare: Callable[[], Review]) -> AsyncReview:
        return AsyncReview(self, await self.in_thread(prepare))

    async def _carried_out(self, review: AsyncReview, confirm: Confirm | None) -> Order:
        if confirm is None or not review.plain.question:
            return await review.carry_out(at_once=True)
        answer = confirm(review.plain)
        if not (await answer if isawaitable(answer) else answer):
            raise not_confirmed()
        return await review.carry_out()
