"""From bytes to a handler and back: lines, bare words, replies, and the memory that makes a repeated command harmless."""

import binascii
import json

from app.records.journal import JournalError
from app.records.store import StoreError
from app.wire.tokens import Signatures
from pumpcore.faults.faults import Refusal
from pumpcore.units import const
from pumpcore.wire import messages
from pumpcore.wire import messages as frame
from pumpcore.wire.lines import LineBuffer
from pumpcore.wire.messages import LONG_BYTES, PROGRAM

if 0:  # for the type checker alone
    from app.types import Answer, Handler, Link, Loader, Pump, Received, Remembered, System

# --- texts -------------------------------------------------------------------------------------------------------------------
# Texts of faults are read from flash for each use: a pump does not keep these 5 kB in memory.


def fault_words(system: "System", names: "list[str]") -> "list[tuple[str, str]]":
    """Return [(text, what to do)] of the faults called `names`; the name alone if flash or memory fails."""
    try:
        from pumpcore.faults import fault_texts

        return [fault_texts.told(name) for name in names]
    except (ImportError, OSError, MemoryError):
        return [(name, "") for name in names]
    finally:
        system.forget("pumpcore.faults.fault_texts")


# --- session -----------------------------------------------------------------------------------------------------------------

REMEMBERED = const(8)
REMEMBERED_BYTES = const(4096)  # of their answers; the oldest go first
MOST_WAITING = const(64)
MOST_WAITING_BYTES = frame.MAX_BYTES
# Most that a session holds: an unfinished line, the waiting lines, and inside `poll` the data just read, once more cut into lines.
MOST_HELD_BYTES = frame.MAX_BYTES + MOST_WAITING_BYTES
_PLAIN_BYTES = const(128)


class Bulk:
    """An answer with raw bytes: the JSON before them, and the params of the next answer to the same request or None."""

    def __init__(self, head: bytes, raw: memoryview, rest: dict | None) -> None:
        self.head = head
        self.raw = raw
        self.rest = rest


class Session:
    """`handlers` maps method -> function(pump, params); `loader` has those that are not in it.

    A function returns a result (a dict, or its JSON in bytes or a list of them), or a Bulk.
    """

    def __init__(self, link: "Link", pump: "Pump", handlers: "dict[str, Handler]", loader: "Loader") -> None:
        self.link = link
        self.pump = pump
        self.handlers = handlers
        self.loader = loader
        self.lines = LineBuffer()
        self._memory: "list[Remembered]" = []
        self.pending: "list[Received | None]" = []
        self.waiting_bytes = 0
        self._stops: list[bytes | None] = []  # ids of the waiting stops, None for a bare word: they go before all other lines
        self.rest: tuple[bytes, str, dict] | None = None
        self.overtaken, self._late = 0, False
        self.signature = Signatures(pump, loader)
        self.counts = {
            "bad_lines": 0, "refused": 0, "repeated": 0, "dropped_bytes": 0, "shed_lines": 0, "memory_errors": 0,
        }

    def poll(self) -> bool:
        """Take what has arrived and answer one line. Return True if something was sent: more may be waiting.

        A `stop` goes first: it must not queue after other commands. Commands that it overtook and that would change something are refused,
        because a `start` sent before a `stop` must not act after it. A line for which there is no memory is dropped and counted. If it may
        have been a `stop`, the motor is halted.
        """
        try:
            plain = None
            try:
                data = self.link.read()
                if data:
                    if len(data) < _PLAIN_BYTES and self.lines.between() and not (self.pending or self.overtaken or self._stops):
                        plain = messages.plain(data)
                        if plain and plain[1] == "bolus.token" and self.pump.setup.keys_state() != "none":
                            plain = None  # it needs a signature
                    if not plain:
                        begun = self.lines.waiting_bytes
                        self._take(data)
                        if begun < LONG_BYTES <= self.lines.waiting_bytes and self.lines.holds(PROGRAM):
                            self.loader.expect("program.stage")
                elif not (self.pending or self._stops or self.rest):
                    return False
            except MemoryError as error:
                self.pump.crash(error)
                return True
            if not plain:
                return self._answer_one()
            self.rest = None
            self.execute(plain[0], plain[1], {})
        except MemoryError:
            self.starve()
        return True

    def _answer_one(self) -> bool:
        waiting, rest, self.rest = self.pending, self.rest, None  # any arrival ends an answer of several blocks
        if not waiting and not self._stops:
            if rest is not None:
                self.execute(*rest)
            return rest is not None
        if self._stops:
            self.execute(self._stops.pop(0), "stop", {})
            return True
        line = waiting.pop(0)
        self.waiting_bytes -= _size(line)
        self._late = self.overtaken > 0  # set now: a stop that arrives while this line is answered overtakes the lines that wait then
        self.overtaken = max(0, self.overtaken - 1)
        self.answer(line)
        return True

    @property
    def counters(self) -> dict:
        """Counts of what could not be done, since power-up."""
        self.counts["dropped_bytes"] = self.lines.dropped_bytes
        return self.counts

    def goes_on(self) -> bool:
        """Return True if `poll` has more blocks to send. Sending them writes no flash unless a command arrives."""
        return self.rest is not None

    def _take(self, data: bytes) -> None:
        """Sort the lines of `data`. Without memory, drop all that waits and try once more.

        Raises MemoryError if a `stop` may be lost: the caller then halts the motor.
        """
        lines = self.lines
        between, begun = lines.between(), lines.waiting_bytes
        for again in (True, False):
            try:
                for line in lines.feed(data):
                    self._wait_with(line)
                return
            except MemoryError:
                stops = 0 < begun < _PLAIN_BYTES or lines.holds(b"stop") or b"stop" in data
                self.starve()
                lines.lose(between)
                if again and not begun:
                    continue
                if stops or not (again or data.endswith(b"\n")):
                    raise

    def _wait_with(self, line: "Received | None") -> None:
        """Queue a line. A flood must not fill the memory: beyond 64 lines or 8 KiB only a `stop` is kept, others are counted."""
        waiting, size_bytes = self.pending, _size(line)
        stop = _stop(line) if line else None
        if stop:
            self.overtaken = len(waiting)
            if len(self._stops) < MOST_WAITING:  # else there are so many that one of them acts for it
                self._stops.append(stop[0])
                return
        elif len(waiting) < MOST_WAITING and self.waiting_bytes + size_bytes <= MOST_WAITING_BYTES:
            waiting.append(line)
            self.waiting_bytes += size_bytes
            return
        self.counts["shed_lines"] += 1

    def starve(self) -> None:
        """There is no memory left: drop and count everything that waits, except a `stop`."""
        self.counts["memory_errors"] += 1
        self.counts["shed_lines"] += len(self.pending)
        self.pending, self.waiting_bytes, self.overtaken, self.rest = [], 0, 0, None
        if self.lines.waiting_bytes >= _PLAIN_BYTES:  # a shorter one may become a stop
            self.lines.lose(False)
        self.pump.board.system.built()

    def hear(self) -> None:
        """Called between two erases of one flash write: take what has arrived, and end the motion if there is a `stop`.

        The line stays queued and is answered after the write. Never raises: littlefs is in the middle of its work.
        """
        try:
            data = self.link.read()
            if data:
                self._take(data)
            if self._stops:
                self.pump.cut()
        except Exception as error:
            self.pump.cut(error)

    def answer(self, line: "Received | None") -> None:
        word = b"" if line is None or isinstance(line, list) else frame.bare_word(line)
        if word in frame.BARE_WORDS:
            self.execute(None, word.decode(), {})
            return
        try:
            if line is None:
                raise frame.FrameError("too_long")
            try:
                message = frame.decode(line, True)
            except MemoryError:  # once more
                self.counts["memory_errors"] += 1
                self.loader.make_room()
                message = frame.decode(line, True)
        except frame.FrameError as error:
            self.counts["bad_lines"] += 1
            self.refuse(None, Refusal(error.fault))
        except MemoryError as error:
            self.no_memory(None, error)
        else:
            self.request(message, line)

    def request(self, message: dict, line: "Received") -> None:
        try:
            asked = messages.check_request(message)
        except Refusal as refused:
            sent: str = message.get("id")
            self.refuse(sent.encode() if messages.is_hex(sent, messages.ID_DIGITS) else None, refused)
            return
        self._command(asked.identity.encode(), asked.method, asked.params, line)

    def _command(self, identity: bytes, method: str, params: dict, line: "Received") -> None:
        try:
            remembered = self.signature.check(identity, method, line, self._memory)
            body_crc = 0
            if messages.changes(method):
                for piece in line if isinstance(line, list) else [line]:
                    body_crc = binascii.crc32(piece, body_crc)
            if isinstance(line, list):
                line.clear()  # the parameters have all that is still needed
            if not messages.changes(method):
                self.execute(identity, method, params)
                return
            if self._repeat(identity, body_crc):
                return
            if self._late:
                raise Refusal("overtaken")
            self.pump.refuse_while_checking()
        except Refusal as refused:
            self.refuse(identity, refused)
            return
        reply = b""  # a command that was carried out is remembered even if there is no memory for its answer
        try:
            reply = self.execute(identity, method, params)
        finally:
            if remembered:
                self._memory = self._memory[1 - REMEMBERED :] + [(identity, body_crc, reply)]
            while len(self._memory) > 1 and sum([len(line) for _, _, line in self._memory]) > REMEMBERED_BYTES:
                self._memory.pop(0)

    def execute(self, identity: bytes | None, method: str, params: dict) -> bytes:
        """Run a handler and answer. Return the reply's line."""
        try:
            answer = self.loader.answer(self.pump, method, params)
            params.clear()  # the largest program takes 5 kB here, and its answer needs as much
        except Refusal as refused:
            return self.refuse(identity, refused)
        except (JournalError, StoreError, OSError) as error:
            name = "journal_failed" if isinstance(error, JournalError) else "store_failed"
            self.pump.delivery.safe_state(name)
            return self.refuse(identity, Refusal(name, cause=repr(error)[:80]))
        except Exception as error:  # the one broad catch: a bug of ours must end in the safe state, not in a dead pump
            if type(error) is MemoryError and method != "stop" and not messages.changes(method):
                return self.no_memory(identity, error)
            self.pump.crash(error)
            return self.refuse(identity, Refusal("internal", cause=repr(error)[:80]))
        try:
            return self.tell(identity, method, answer)
        except MemoryError:  # it was carried out: try its answer once more with all memory free
            self.starve()
        return self.tell(identity, method, answer)

    def tell(self, identity: bytes | None, method: str, answer: "Answer") -> bytes:
        """Send what a handler returned. Return the reply's line."""
        if isinstance(answer, list):  # a long answer to a question is not kept
            for part in messages.in_parts(identity, answer):
                self.link.write(part)
            return b""
        if type(answer) is bytes and identity:
            line = messages.answer(identity, answer)  # the questions asked most
            self.link.write(line)
            return line
        if not isinstance(answer, Bulk):
            return self._reply(messages.result(identity, answer))
        if answer.rest:
            self.rest = (identity, method, answer.rest)
        line = messages.announcement(identity, answer.head)
        self.link.write(line)
        if answer.raw:
            self.link.write(answer.raw)
        return line

    def no_memory(self, identity: bytes | None, error: MemoryError) -> bytes:
        """Refuse a question for which there is no memory; nothing has changed."""
        self.counts["memory_errors"] += 1
        self.pump.board.system.built()
        return self.refuse(identity, Refusal("no_memory", cause=repr(error)[:80]))

    def press(self) -> None:
        """Carry out a press of the bolus button: a command without a reply."""
        try:
            if self.pump.checking is not None:
                raise Refusal("busy", wait_s=1)
            self.loader.handler("bolus.press")(self.pump, {})
        except Refusal as refused:
            self.pump.presses.refuse(refused.fault.name, 0, self.pump.board.clock.uptime_ms())
        except (JournalError, OSError):
            self.pump.delivery.safe_state("journal_failed")
        except Exception as error:
            self.pump.crash(error)

    def _repeat(self, identity: bytes, crc32: int) -> bool:
        for known, crc, line in self._memory:
            if known == identity:
                if crc != crc32:
                    raise Refusal("id_reused")
                self.counts["repeated"] += 1
                self.link.write(line)
                return True
        return False

    def refuse(self, identity: bytes | None, refused: Refusal) -> bytes:
        self.counts["refused"] += 1
        told = fault_words(self.pump.board.system, [refused.fault.name])[0]
        return self._reply(json.dumps(messages.refusal(None if identity is None else identity.decode(), refused, told)).encode())

    def _reply(self, text: bytes) -> bytes:
        line = frame.sealed(text)
        self.link.write(line)
        return line


def _size(line: "Received | None") -> int:
    return sum([len(piece) for piece in line]) if isinstance(line, list) else len(line or b"")


def _stop(line: "Received") -> tuple[bytes | None] | None:
    """Return (id,) of a line that is a `stop`, else None.

    A frame with a wrong CRC, or with "stop" elsewhere, is none: in a flood it would be kept instead of the real stop.
    """
    if isinstance(line, list) or b"stop" not in line:
        return None
    if frame.bare_word(line) == b"stop":
        return (None,)
    if b'"stop"' not in line:
        return None
    try:
        asked = messages.check_request(frame.decode(line))
    except (frame.FrameError, Refusal):
        return None
    return (asked.identity.encode(),) if asked.method == "stop" else None
