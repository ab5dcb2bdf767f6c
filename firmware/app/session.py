"""From bytes to a handler and back: lines, bare words, replies, and the memory that makes repeating a command harmless."""

import binascii
import json

from app import texts
from app.journal import JournalError
from app.store import StoreError
from pumpcore.faults import Refusal
from pumpcore.wire import frame, messages

REMEMBERED = 8
MOST_WAITING = 64


class Session:
    """`handlers` maps method -> function(pump, params) returning a result (a dict, or its JSON in bytes), or for bulk answers
    (JSON, raw bytes, params of the next answer to the same request or None); `loader` has those that are not in it."""

    def __init__(self, link: object, pump: object, handlers: dict, loader: object) -> None:
        self._link = link
        self._pump = pump
        self._handlers = handlers
        self._loader = loader
        self._lines = frame.LineBuffer()
        self._memory = []
        self._waiting = []
        self._rest = None
        self._overtaken = 0
        self._counters = {"bad_lines": 0, "refused": 0, "repeated": 0, "dropped_bytes": 0, "shed_lines": 0}

    def poll(self) -> bool:
        """Takes what has arrived and answers one line. True when something was sent: more may be waiting.

        A `stop` is looked for first: it must not queue behind other commands. Those that it overtook and that would change
        something are refused: a `start` sent before a `stop` must not come true after it.
        """
        data, waiting = self._link.read(), self._waiting
        if data:
            plain = messages.plain(data)
            if plain and not waiting and not self._overtaken and self._lines.between():
                self._rest = None
                self._execute(plain[0], plain[1], {})
                return True
            waiting += self._lines.feed(data)
            if len(waiting) > MOST_WAITING:
                self._shed()
        if not waiting:
            return self._go_on()
        self._rest = None
        index = self._urgent()
        self._answer(waiting.pop(index))
        self._overtaken = max(0, self._overtaken - 1, index)
        return True

    @property
    def counters(self) -> dict:
        """What came and could not be done, since power-up."""
        self._counters["dropped_bytes"] = self._lines.dropped_bytes
        return self._counters

    def goes_on(self) -> bool:
        """Whether `poll` has more blocks to send. That writes nothing, unless a command arrives."""
        return self._rest is not None

    def _go_on(self) -> bool:
        """The next block of an answer that has several. Whatever arrives ends it."""
        rest, self._rest = self._rest, None
        if rest:
            self._execute(*rest)
        return rest is not None

    def _urgent(self) -> int:
        for index, line in enumerate(self._waiting):
            if _may_stop(line):
                return index
        return 0

    def _shed(self) -> None:
        """A flood must not fill the memory: behind 64 waiting lines only a `stop` is kept, the others are counted."""
        late = self._waiting[MOST_WAITING:]
        kept = [line for line in late if _may_stop(line)][:1]
        self._waiting[MOST_WAITING:] = kept
        self._counters["shed_lines"] += len(late) - len(kept)

    def _answer(self, line: bytes | None) -> None:
        if line is None:
            self._counters["bad_lines"] += 1
            self._refuse(None, Refusal("too_long"))
            return
        word = frame.bare_word(line)
        if word in frame.BARE_WORDS:
            self._execute(None, word.decode(), {})
            return
        try:
            message = frame.decode(line)
        except frame.FrameError as error:
            self._counters["bad_lines"] += 1
            self._refuse(None, Refusal(error.fault))
            return
        self._request(message, line)

    def _request(self, message: dict, line: bytes) -> None:
        try:
            identity, method, params = messages.check_request(message)
        except Refusal as refused:
            identity = message.get("id")
            self._refuse(identity.encode() if messages.is_hex(identity, messages.ID_DIGITS) else None, refused)
            return
        self._command(identity.encode(), method, params, line)

    def _command(self, identity: bytes, method: str, params: dict, line: bytes) -> None:
        if not messages.changes(method):
            self._execute(identity, method, params)
            return
        body_crc = binascii.crc32(line)
        try:
            if self._repeat(identity, body_crc):
                return
            if self._overtaken:
                raise Refusal("overtaken")
        except Refusal as refused:
            self._refuse(identity, refused)
            return
        reply = self._execute(identity, method, params)
        self._memory = self._memory[1 - REMEMBERED :] + [(identity, body_crc, reply)]

    def _execute(self, identity: bytes | None, method: str, params: dict) -> bytes:
        """Runs a handler and answers; returns the reply's line."""
        try:
            handler = self._handlers.get(method) or self._loader.handler(method)
            answer = handler(self._pump, params)
        except Refusal as refused:
            return self._refuse(identity, refused)
        except (JournalError, StoreError, OSError) as error:
            return self._flash_failed(identity, error)
        except Exception as error:  # the one broad catch: our own bug must end in the safe state, not in a dead pump
            self._pump.crash(error)
            return self._refuse(identity, Refusal("internal", cause=repr(error)[:80]))
        if type(answer) is not tuple:
            return self._reply(messages.result(identity, answer))
        result, raw, rest = answer
        if rest:
            self._rest = (identity, method, rest)
        line = messages.announcement(identity, result)
        self._link.write(line)
        if raw:
            self._link.write(raw)
        return line

    def press(self) -> None:
        """The bolus button: a command that nobody waits to be answered."""
        try:
            self._loader.handler("bolus.press")(self._pump, {})
        except Refusal as refused:
            self._pump.presses.refuse(refused.fault.name, 0, self._pump.board.clock.uptime_ms())
        except (JournalError, OSError):
            self._pump.delivery.safe_state("journal_failed")
        except Exception as error:
            self._pump.crash(error)

    def _flash_failed(self, identity: bytes | None, error: Exception) -> bytes:
        name = "journal_failed" if isinstance(error, JournalError) else "store_failed"
        self._pump.delivery.safe_state(name)
        return self._refuse(identity, Refusal(name, cause=repr(error)[:80]))

    def _repeat(self, identity: bytes, body_crc: int) -> bool:
        for known, crc, line in self._memory:
            if known == identity:
                if crc != body_crc:
                    raise Refusal("id_reused")
                self._counters["repeated"] += 1
                self._link.write(line)
                return True
        return False

    def _refuse(self, identity: bytes | None, refused: Refusal) -> bytes:
        self._counters["refused"] += 1
        told = texts.told(self._pump.board.system, [refused.fault.name])[0]
        return self._reply(json.dumps(messages.refusal(None if identity is None else identity.decode(), refused, told)).encode())

    def _reply(self, body: bytes) -> bytes:
        line = frame.sealed(body)
        self._link.write(line)
        return line


def _may_stop(line: bytes | None) -> bool:
    return line is not None and (frame.bare_word(line) == b"stop" or b'"stop"' in line)
