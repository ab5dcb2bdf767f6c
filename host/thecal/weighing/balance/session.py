"""A balance in use: single readings or a stream. `open_balance` detects the protocol."""

from __future__ import annotations

import time
from collections.abc import Iterator
from types import TracebackType

from thecal.weighing.balance import errors, mt_sics, plain, sbi
from thecal.weighing.balance.detect import LISTEN_S, dialect, speaks
from thecal.weighing.balance.guard import Guard
from thecal.weighing.balance.port import BalancePort
from thecal.weighing.balance.reading import Reading

ANSWER_S = 2.0
POLL_S = 0.2
DRAIN_S = 0.4
IDENTITY_S = 0.6
# the balance works but has no stable weight yet
WAIT_FOR = ("unstable", "busy")


class Balance:
    """An open balance. Use as a context manager, or call `close`. `protocol`: mt-sics, sbi or plain.

    `prints`: it sends by itself and needs no asking. `named`: a person chose the protocol, so what it says of stability is believed.
    """

    def __init__(self, port: BalancePort, protocol: str, prints: bool, named: bool) -> None:
        self.protocol = protocol
        self.prints = prints
        self._port = port
        self._dialect = dialect(protocol)
        self._guard = Guard(named and protocol == plain.NAME, protocol == sbi.NAME, unit_proves=named)
        self._identity: str | None = None
        if protocol == mt_sics.NAME:
            self._greet()

    def __enter__(self) -> Balance:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._port.close()

    @property
    def identity(self) -> str:
        """Return the protocol and, if the balance reports them, model and serial number. Asked once."""
        if self._identity is None:
            self._identity = ", ".join([self.protocol, *self._told()])
        return self._identity

    @property
    def digit_ug(self) -> int:
        """Return the value of the last place of the last number."""
        return self._guard.digit_ug

    def watch_for_tare(self, drop_limit_ug: int) -> None:
        """Refuse, from the next reading on, a mass that falls by more than this between two readings."""
        self._guard.watch_for_tare(drop_limit_ug)

    def read_stable(self, timeout_s: float = 30.0) -> Reading:
        """Return a reading that the balance reports as stable; without such reports, three equal lines over a second or more.

        Raises BalanceError if there is none in time, and for everything else that is not a weight.
        """
        heard_s = time.monotonic()
        deadline_s = heard_s + timeout_s
        self._guard.begin_weighing()
        if self.prints:
            self._port.skip_waiting()
        last: errors.BalanceError | None = None
        while time.monotonic() < deadline_s:
            try:
                reading = self._stable_or_moving(deadline_s)
            except errors.BalanceError as error:
                if error.kind not in WAIT_FOR:
                    raise
                heard_s, last = time.monotonic(), error
            else:
                if reading is None:
                    break
                heard_s = time.monotonic()
                if reading.stable:
                    return reading
                last = errors.unstable(timeout_s, reading.raw)
            if not self.prints:
                time.sleep(max(0.0, min(POLL_S, deadline_s - time.monotonic())))
        silent_s = time.monotonic() - heard_s
        if last is None or silent_s > timeout_s / 2:
            raise self._silent(round(silent_s, 1))
        raise last

    def read_now(self, timeout_s: float = ANSWER_S) -> Reading:
        """Return the present reading, stable or not."""
        if self.prints:
            self._port.skip_waiting()
        else:
            self._ask()
        return self._must_come(timeout_s)

    def stream(self, interval_s: float | None = None) -> Iterator[Reading]:
        """Yield readings without end: as they come, or one every `interval_s` of the wall clock."""
        if interval_s is not None:
            yield from self._paced(interval_s)
        elif self.protocol == mt_sics.NAME:
            yield from self._repeated()
        while True:
            if not self.prints:
                self._ask()
            yield self._must_come(ANSWER_S)

    # --- asking and hearing

    def _ask(self) -> None:
        if self.protocol == mt_sics.NAME:
            self._port.write(mt_sics.ASK_NOW)
        elif self.protocol == sbi.NAME:
            self._port.write(sbi.ASK_NOW)

    def _answer(self, deadline_s: float) -> Reading | None:
        """Return the next line as a reading; None if nothing came."""
        heard = self._port.line(deadline_s)
        if heard is None:
            return None
        line, at_s = heard
        return self._guard.reading(self._dialect.read(line), line, at_s)

    def _must_come(self, timeout_s: float) -> Reading:
        reading = self._answer(time.monotonic() + timeout_s)
        if reading is None:
            raise self._silent(timeout_s)
        return reading

    def _stable_or_moving(self, deadline_s: float) -> Reading | None:
        """Try once. MT-SICS waits by itself after S; SI then reports whether it moves or is gone."""
        if self.protocol != mt_sics.NAME:
            if not self.prints:
                self._ask()
            return self._answer(deadline_s)
        self._port.write(mt_sics.ASK_STABLE)
        reading = self._answer(deadline_s)
        if reading is None:
            self._port.write(mt_sics.ASK_NOW)
            reading = self._answer(time.monotonic() + DRAIN_S)
        return reading

    def _silent(self, waited_s: float) -> errors.BalanceError:
        return errors.no_answer(self._port.port_url, waited_s, self.protocol)

    def _paced(self, interval_s: float) -> Iterator[Reading]:
        due_s = time.monotonic()
        while True:
            yield self.read_now()
            due_s = max(due_s + interval_s, time.monotonic() - interval_s)
            time.sleep(max(0.0, due_s - time.monotonic()))

    def _repeated(self) -> Iterator[Reading]:
        self._port.write(mt_sics.REPEAT)
        try:
            while True:
                yield self._must_come(ANSWER_S)
        finally:
            self._end_repeat()

    def _end_repeat(self) -> None:
        """End a repetition with another weighing command, and drop the lines under way. A balance that prints on is no MT-SICS; its next
        answer will show that."""
        self._port.write(mt_sics.ASK_NOW)
        until_s = time.monotonic() + ANSWER_S
        while time.monotonic() < until_s and self._port.line(time.monotonic() + DRAIN_S) is not None:
            continue

    def _greet(self) -> None:
        """Silence a balance that was left repeating; then read its serial number, or any answer."""
        if self.prints:
            self._end_repeat()
            self.prints = False
        self._port.write(mt_sics.ASK_SERIAL)
        heard = self._port.line(time.monotonic() + ANSWER_S)
        if heard is None:
            raise self._silent(ANSWER_S)
        number = mt_sics.serial_number(heard[0])
        if number is None and not mt_sics.is_refusal(heard[0]):
            raise errors.unparsable(heard[0], mt_sics.NAME, "it was asked for its serial number")
        self._identity = f"{self.protocol}, serial number {number}" if number else self.protocol

    def _told(self) -> list[str]:
        if self.protocol != sbi.NAME or self.prints:
            return []
        answers = []
        for what, command in (("model", sbi.ASK_MODEL), ("serial number", sbi.ASK_SERIAL)):
            self._port.write(command)
            heard = self._port.line(time.monotonic() + IDENTITY_S)
            if heard is not None:
                answers.append(f"{what} {heard[0].strip()}")
        return answers


def open_balance(port_url: str, protocol: str = "auto", framing: str | None = None) -> Balance:
    """Open the balance on a serial port (also socket:// and rfc2217://).

    `protocol`: mt-sics, sbi, plain, or auto (listens, then asks). `framing`: like "9600-8N1"; None is the protocol's usual one. With
    `plain` a number without unit is grams; `auto` refuses it. With `sbi` a line with a unit is stable; `auto` needs one line without a
    unit as a proof first. Raises BalanceError, NoPump (no such port), BadInput.
    """
    chosen = None if protocol == "auto" else dialect(protocol)
    port = BalancePort(port_url, framing or (chosen or mt_sics).FRAMING)
    try:
        if chosen is None:
            found, prints = speaks(port, framing)
        else:
            found, prints = protocol, chosen is plain or port.listen(LISTEN_S if chosen is sbi else 0.0)
        return Balance(port, found, prints, named=chosen is not None)
    except BaseException:
        port.close()
        raise
