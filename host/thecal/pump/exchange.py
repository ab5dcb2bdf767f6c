"""Questions and commands over one port: send a frame, read the matching reply, repeat until an answer or a time limit."""

from __future__ import annotations

import binascii
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any

from pumpcore.wire import messages
from pumpcore.wire import messages as frame
from pumpcore.wire.replies import BLOCK_BYTES
from thecal.errors import BadAnswer, LinkLost, NoKey, NoPump, PortBusy, Refused, Silent, ThecalError, Unknown, WrongDevice
from thecal.pump import replies, stopping
from thecal.pump.refusals import said
from thecal.pump.signing import CHALLENGE, Request, Signer, Signing, explained, role_of, signer_of
from thecal.pump.transport.holders import holders
from thecal.pump.transport.link import Link

Reply = dict[str, Any]
REPLY_TIMEOUT_S = 2.0
PATIENCE_S = 6.0
STOP_TIMEOUT_S = 0.4
SHARED_STOP_S = 2.0
REOPEN_PAUSE_S = 0.1
BUSY_PAUSE_S = 0.2
WORDS_MOST = 1000  # letters of a refusal with its details
KEYED: set[str] = set()  # the ports on which this process has met a pump with keys
PROMPTS = (b">>> ", b"raw REPL", b"=== ", b"Traceback (most recent")


class Exchange:
    """A port that opens on first use and again after it broke; use it as a context manager."""

    def __init__(
        self, port_url: str, reply_timeout_s: float | None = None, patience_s: float | None = None, signer: Signer | None = None
    ) -> None:
        self.port_url = port_url
        self.reply_timeout_s = reply_timeout_s or REPLY_TIMEOUT_S
        self.patience_s = patience_s or PATIENCE_S
        self.bad_lines = 0
        self.resent = False
        # a program that shares a pump with others takes its turn for each exchange, and leaves the port closed after it
        self.turn: AbstractContextManager[object] | None = None
        self.opened_count = 0
        self._link: Link | None = None
        self._heard = b""
        self.signing = Signing(signer)

    def __enter__(self) -> Exchange:
        return self

    def __exit__(self, *details: object) -> None:
        self.close()

    def shared(self) -> bool:
        """Return True if another program uses the open port as well, so that it may read an answer of ours."""
        return self._link is not None and self._link.shared

    def is_open(self) -> bool:
        """Return True while the port is open; `opened_count` counts how often it was opened."""
        return self._link is not None

    def close(self) -> None:
        """Close the port; the next question opens it again."""
        if self._link is not None:
            self._link.close()
            self._link = None

    def interject(self, line: bytes) -> None:
        """Write a bare line on the open port while another thread uses it; nothing if the port is closed or broken."""
        link = self._link
        if link is not None:
            with suppress(ThecalError, OSError, ValueError, TypeError):  # the other thread may close it at this moment
                link.write(line)

    def ask(self, method: str, params: dict[str, Any], patience_s: float | None = None) -> Reply:
        """Ask a question; without an answer, ask again on a new connection with a new id. Raises Refused or LinkLost."""
        deadline_s = time.monotonic() + (patience_s or self.patience_s)
        while True:
            try:
                return self._once(Request(method, params))
            except LinkLost as error:
                self._dropped(error)
                if time.monotonic() > deadline_s:
                    raise
            except (NoPump, PortBusy):
                if (self._link is None and not self._heard) or time.monotonic() > deadline_s:
                    raise
                time.sleep(REOPEN_PAUSE_S)

    def command(self, method: str, params: dict[str, Any], settle: Callable[[], Reply | None] | None = None) -> Reply:
        """Send a command; repeat it with the same id until the pump answers, otherwise ask for the outcome, otherwise raise Unknown."""
        self.resent = False
        try:
            return self._answered(method, params)
        except (Refused, Unknown) as error:
            # after a resend a refusal may only mean that the first copy was done before the pump was reset
            settled = settle() if settle is not None and (self.resent or isinstance(error, Unknown)) else None
            if settled is None:
                raise
            return settled

    def _answered(self, method: str, params: dict[str, Any]) -> Reply:
        """Raise Unknown: an unreadable answer proves no more than none."""
        try:
            return self._repeat(Request(method, params))
        except BadAnswer as error:
            raise Unknown(
                f"{error.cause}; the pump may or may not have carried out the command", "see the outcome with `thecal status`"
            ) from error

    def _repeat(self, request: Request) -> Reply:
        deadline_s = time.monotonic() + self.patience_s
        while True:
            try:
                return self._once(request)
            except Refused as error:  # a pump that has just been switched on checks itself; the check of a program names its digest
                if error.fault != "busy" or "digest" in error.detail or time.monotonic() > deadline_s:
                    raise
                time.sleep(BUSY_PAUSE_S)
                continue
            except LinkLost as error:
                lost: ThecalError = self._dropped(error)
                if not request.sent and not self.resent:  # the pump gave no challenge
                    raise
            except (NoPump, PortBusy) as error:
                if not self.resent:
                    raise
                lost = error
                time.sleep(REOPEN_PAUSE_S)
            self.resent = True
            if time.monotonic() > deadline_s:
                raise unknown(request.method, lost) from lost

    def answers(self, method: str, params: dict[str, Any]) -> Iterator[Reply]:
        """Yield the replies to one question with several parts; the last one has no `more`. Raises Refused or LinkLost.

        Raises BadAnswer after twice as many parts as requested: each may come twice.
        """
        identity, most = new_id(), 2 * int(params["blocks"])
        with self._my_turn():
            link = self._open()
            link.write(frame.encode(messages.request(identity, method, params)))
            for _ in range(most):
                result = self._reply_to(link, identity, method)
                yield result
                if not result.get("more"):
                    return
        raise replies.bad_answer(method, f"the answer has more than {most} parts")

    def _once(self, request: Request) -> Reply:
        """Send once and wait once. Raises LinkLost if no answer comes.

        A pump with keys refuses an unsigned request without carrying it out: it is signed and sent again.
        """
        while True:
            line = self._line_of(request)
            try:
                with self._my_turn():
                    link = self._open()
                    request.sent += 1
                    link.write(line)
                    return self._reply_to(link, request.identity, request.method)
            except Refused as refused:
                if not self.signing.once_more(request, refused):
                    raise self._explained(refused, request) from refused

    def _line_of(self, request: Request) -> bytes:
        """Return the line to send; a line whose answer was lost stays the same."""
        if not request.line:
            if self.signing.wanted is None and self.port_url in KEYED and role_of(request.method):
                self._learn_keys()
            request.line = request.sealed
            if self.signing.needed(request):
                KEYED.add(self.port_url)
                challenge = str(self.ask(CHALLENGE, {})["challenge"])
                request.sign(self._signer()(request.method, request.body, bytes.fromhex(challenge)), challenge)
        return request.line

    def _learn_keys(self) -> None:
        """Learn whether the pump has keys, before the first request that may need one; nothing here."""

    def _signer(self) -> Signer:
        if self.signing.signer is None:
            self.signing.signer = self._own_signer()
        return self.signing.signer

    def may(self, method: str) -> bool:
        """Return True if the pump is not known to have keys, or a key that may do this is at hand. Asks the pump nothing."""
        if not self.signing.wanted:
            return True
        try:
            self._signer()(method, b"", b"")
        except NoKey:
            return False
        return True

    def _explained(self, refused: Refused, request: Request) -> Refused:
        """Return the refusal of a signature with the command to type; any other refusal as it is."""
        return explained(refused, request)

    def _own_signer(self) -> Signer:
        """Return the signer of a connection that was given none: it holds no key."""
        return signer_of({})

    @contextmanager
    def _my_turn(self) -> Iterator[None]:
        """Take the turn, if this port is shared; close the port at its end."""
        if self.turn is None:
            yield
            return
        with self.turn:
            try:
                yield
            except LinkLost as error:
                raise self._dropped(error) from None
            finally:
                self.close()

    def _reply_to(self, link: Link, identity: str, method: str) -> Reply:
        reply = self._await(link, identity, time.monotonic() + self.reply_timeout_s)
        if reply is None:
            raise LinkLost(f"the pump on {self.port_url} did not answer {method!r}", "check the cable and run the command again")
        return self._outcome(reply, method)

    def _await(self, link: Link, identity: str | None, deadline_s: float) -> Reply | None:
        """Return the reply with our id before `deadline_s`; skip other replies, their bulk, and lines that are no frames."""
        late = False
        while not late:
            late = time.monotonic() > deadline_s  # a flood of other lines leaves no pause for the deadline
            line = link.read_line(deadline_s)
            if line is None:
                return None
            reply = self._decode(line)
            if reply is None or "method" in reply:  # a line with a method is our own request: the other end echoes
                continue
            count_bytes = bulk_bytes(reply)
            raw = link.read_bulk(count_bytes, deadline_s) if count_bytes else b""
            if raw is None:
                return None
            if reply.get("id") == identity and not is_noise(reply, identity):
                return self._with_bulk(reply, raw)
        return None

    def _decode(self, line: bytes) -> Reply | None:
        try:
            reply: Reply = frame.decode(line)
        except frame.FrameError:
            self.bad_lines += bool(line.strip())
            return None
        return reply

    def _with_bulk(self, reply: Reply, raw: bytes) -> Reply:
        if raw:
            replies.check("journal.read", reply["result"])
            if crc_number(reply["result"]["crc32"]) != binascii.crc32(raw):
                raise LinkLost("a block of the journal arrived damaged", "run the command again")
            reply["result"]["raw"] = raw
        return reply

    def _outcome(self, reply: Reply, method: str) -> Reply:
        """Return the checked result; raise a refusal as an exception."""
        if isinstance(reply.get("result"), dict):
            result: Reply = reply["result"]
            raw = result.pop("raw", None)
            checked = replies.check(method, result)
            return checked if raw is None else {**checked, "raw": raw}
        error = reply.get("error")
        if not isinstance(error, dict):
            raise replies.bad_answer(method, "neither result nor error is an object")
        raise refused(replies.check_refusal(method, error))

    def _open(self, share: bool = False) -> Link:
        if self._link is None:
            self._link = Link(self.port_url, share)
            self.opened_count += 1
            # ends a half-written line that another program left on the pump's side
            self._link.write(b"\n")
        return self._link

    def _dropped(self, error: LinkLost) -> LinkLost:
        """Close a broken or silent port; keep the received bytes for the diagnosis."""
        if self._link is not None:
            self._heard = self._link.heard or self._heard
            self.close()
        return error

    def _foreign(self) -> bool:
        """Return True if the bytes are certainly not from a pump: a prompt, and no frame."""
        return any(prompt in self._heard for prompt in PROMPTS)

    def who_is_there(self) -> ThecalError:
        """Return the error that fits a device that did not answer as a pump."""
        if self._foreign():
            do = "reset it if it is a pump in maintenance; otherwise flash it: `thecal flash`"
            return WrongDevice(f"a MicroPython prompt answers on {self.port_url}; no pump runs there", do)
        if self._heard.strip():
            heard = ascii(self._heard[-40:].decode("utf-8", "replace"))
            return WrongDevice(
                f"the device on {self.port_url} is not a pump (received {heard})",
                "name the right port with --port; `thecal find` lists pumps",
            )
        return Silent(
            f"nothing answers on {self.port_url}",
            "check that the pump has power, unplug and plug it again, or name another --port",
        )

    def bare_stop(self) -> Reply:
        """Send the bare line `stop`, before anything is known of the device, until its answer arrives.

        It needs no lock: if another program holds the port, it opens the port in parallel and waits at most 2 s. A `status` would prove
        no more than one more `stop`: another program can read its answer as well. A board at its raw prompt (mpremote copies files)
        takes the word as part of the script: that copy fails with a syntax error, and the motor is off there. Raises Unknown,
        WrongDevice, PortBusy or NoPump.
        """
        begun_s = time.monotonic()
        error: ThecalError = Silent("no answer came", "")
        count = 0
        while True:
            count += 1
            try:
                reply = self._stop_once()
                if reply is not None:
                    return self._outcome(reply, "stop")
            except LinkLost as lost:
                error = self._dropped(lost)
            except (NoPump, PortBusy) as closed:
                if not self.resent:
                    raise stopping.kept_out(self.port_url, closed) from closed
                error = closed
                time.sleep(REOPEN_PAUSE_S)
            self.resent = True
            waited_s = time.monotonic() - begun_s
            beside = self._link is not None and self._link.shared
            others = holders(self.port_url) if waited_s >= SHARED_STOP_S else []
            if others or (beside and waited_s >= SHARED_STOP_S):
                raise stopping.unheard(self.port_url, count, others, self._heard) from error
            if waited_s > self.patience_s:
                raise self.who_is_there() if self._foreign() else unknown("stop", error)

    def _stop_once(self) -> Reply | None:
        """Send one `stop` and wait a moment for its answer. The newline before it is in the same write: another program's half line, or
        a half frame of our own, can't swallow the word."""
        link = self._open(share=True)
        link.write(b"\nstop\n")
        deadline_s = time.monotonic() + STOP_TIMEOUT_S
        try:
            while True:
                reply = self._await(link, None, deadline_s)
                if reply is None or stopping.is_answer(reply) or (not link.shared and "error" in reply):
                    return reply
        finally:
            self._heard = link.heard or self._heard


def new_id() -> str:
    """Return a random id for a request, in hex."""
    return secrets.token_hex(messages.ID_DIGITS // 2)


def bulk_bytes(reply: Reply) -> int:
    """Return the number of raw bytes that follow this reply."""
    result = reply.get("result")
    count_bytes = result.get("bytes") if isinstance(result, dict) and "crc32" in result else 0
    return count_bytes if type(count_bytes) is int and 0 < count_bytes <= BLOCK_BYTES else 0


def crc_number(value: object) -> int:
    """Return an announced CRC-32 from an integer or hex digits."""
    return int(value, 16) if isinstance(value, str) else int(str(value))


def is_noise(reply: Reply, identity: str | None) -> bool:
    """Return True for a complaint about a line that was no frame (left-overs of another program); it answers no question of ours."""
    error = reply.get("error")
    data = error.get("data") if isinstance(error, dict) else None
    return identity is None and isinstance(data, dict) and data.get("fault") in ("bad_frame", "bad_json", "too_long")


def refused(error: dict[str, Any]) -> Refused:
    """Return the wire's error object as an exception; its details (asked, limit, nearest) become part of the sentence."""
    data = error.get("data") or {}
    detail = {key: value for key, value in data.items() if key not in ("fault", "do")}
    fault, text = data.get("fault", ""), error.get("message", "refused")
    made = Refused(error.get("code", 0), fault, said(fault, text, detail)[:WORDS_MOST], data.get("do", ""))
    made.text, made.detail = text, detail
    return made


def unknown(method: str, lost: ThecalError) -> Unknown:
    """Return the error of a command whose answer was lost with the link."""
    do = "see the outcome with `thecal status`; asking again is harmless"
    if method == "stop":
        do = stopping.BY_HAND
    return Unknown(f"the link was lost after {method!r} was sent: the pump may or may not have carried it out ({lost.cause})", do)
