"""A client with one method per message. Each method returns (done), raises Refused, or raises Unknown.

The client repeats a command with the same id and body until an answer comes; the pump carries it out only once. If the link stays
silent, the client asks for the outcome, and raises Unknown only if that fails too.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from pumpcore.orders.bolus import CALIBRATION, CANCELLED, CUT, DONE
from pumpcore.orders.bolus import LIVE as LIVE_STATES
from pumpcore.program.forecast import CHAIN_BYTES
from pumpcore.program.schedule import Zone
from pumpcore.units import sha256_hex as digest_of
from pumpcore.wire import gaps, messages, record_types, records
from thecal.errors import BadAnswer, Failed, LinkLost, Refused, WrongProtocol
from thecal.pump import keys, replies
from thecal.pump.boots import whole_boot
from thecal.pump.exchange import Reply
from thecal.pump.signing import Keys, Request, Signature, Signer, Signing, code_of, digits_of, explained
from thecal.pump.tables import Tables
from thecal.quantities.amounts import Rate

FIRST_PATIENCE_S = 3.0
NONE, SET, DAMAGED = "none", "set", "damaged"  # the `keys` of a status
MOST_CHECKS = 200  # of one program; a pump needs fewer than ten
BLOCKS = 64  # of 4 KiB, for one question
MOST_BLOCKS = 2048  # 8 MiB: more than any journal of a pump
MOST_CALLS = 4096  # of a forecast's blocks: 31 days with an entry each minute of the week need fewer
RUNNING_STATES = ("running", "limited")
# what bolus.status says of a token that ordered a bolus; the other words are never_ordered and forgotten
Tell = Callable[[int, int], None]
ENDED_STATES = (DONE, CANCELLED, CUT)
BOLUS_STATES = (*LIVE_STATES, *ENDED_STATES)


def whole_from(raw: bytes, first: int) -> tuple[int, int]:
    """Return (the end of the whole records at the front of `raw`, their count) for records numbered consecutively from `first`."""
    end = count = 0
    while (length := records.whole_bytes(raw, end)) and records.sequence_of(raw, end) == first + count:
        end, count = end + length, count + 1
    return end, count


class Block(NamedTuple):
    """A part of a journal: the pump's announcement (first, next, last sequence), and the raw bytes."""

    reply: Reply
    raw: bytes


class Records(NamedTuple):
    """A block's announcement with its `raw` bytes, and its records."""

    reply: Reply
    records: list[record_types.Record]


class Client(Tables):
    """A pump on one port. `boot`: the boot number of the last status. `ceilings`: the bench's, from `hello`. `unique_id`: the board's."""

    boot: int | None = None
    greeting: Reply | None = None

    @property
    def unique_id(self) -> str:
        """The board's, "" before a hello."""
        return str((self.greeting or {}).get("unique_id", ""))

    def __enter__(self) -> Client:
        return self

    # --- questions: they change nothing; the client repeats them with a new id

    def hello(self) -> Reply:
        """Identify the pump. Raises WrongProtocol for another major version, WrongDevice or Silent if no pump answers."""
        try:
            reply = self.ask("hello", {}, FIRST_PATIENCE_S)
        except LinkLost as error:
            raise self.who_is_there() from error
        ours, theirs = messages.PROTOCOL[0], next(iter(reply["protocol"]), "none")
        if theirs != ours:
            do = "flash the pump with this version's firmware, or install the thecal version of its firmware"
            raise WrongProtocol(f"the pump on {self.port_url} speaks protocol version {theirs}, this thecal speaks {ours}", do)
        self.greeting = reply
        if self.signing.wanted is None and self.signing.signer is None and keys.holds(self.unique_id):
            self.signing.wanted = True  # until `status` says it
        return reply

    def status(self) -> Reply:
        """Return the pump's state; remember its boot number."""
        reply = self.ask("status", {})
        self.boot = reply.get("boot", self.boot)
        self.signing.wanted = reply.get("keys") == SET
        return reply

    def program_read(self) -> Reply:
        """Return digest and packed program (base64), or neither if none is active."""
        return self.ask("program.read", {})

    def bolus_token(self) -> str:
        """Return a one-shot token, valid for 60 s."""
        return str(self.ask("bolus.token", {})["token"])

    def bolus_status(self, token: str) -> Reply:
        """Return the state of a token; ask again while the pump searches its journal."""
        for _ in range(MOST_CHECKS):
            reply = self.ask("bolus.status", {"token": token})
            if reply.get("state") != "searching":
                return reply
        raise Failed(f"the pump did not finish searching its journal in {MOST_CHECKS} calls", "ask again, or read it: thecal journal")

    def alarms(self) -> Reply:
        """Return the active alarms."""
        return self.ask("alarms", {})

    def journal_read(self, ring: str, from_sequence: int) -> Block:
        """Return one block: the pump's announcement and the raw bytes, with their CRC checked."""
        reply = self.ask("journal.read", {"ring": ring, "from_sequence": from_sequence})
        return Block(reply, reply.pop("raw", b""))

    def journal_blocks(self, ring: str, from_sequence: int = 0) -> Iterator[Block]:
        """Yield every block from `from_sequence` on, as `journal_read` returns it, many per question. Send nothing else meanwhile.

        An older pump sends one block per question; a block that arrives damaged is requested again.
        """
        blocks, count = BLOCKS, 0
        while True:
            for block in self._some_blocks(ring, from_sequence, blocks):
                yield block
                reply, count = block.reply, count + 1
                if count > MOST_BLOCKS:
                    raise replies.bad_answer("journal.read", f"{MOST_BLOCKS} blocks came and the journal did not end")
                if reply["next_sequence"] <= from_sequence or reply["next_sequence"] > reply["last_sequence"]:
                    return
                from_sequence = reply["next_sequence"]
                if "more" not in reply:
                    blocks = 1

    def journal_slice(self, ring: str, from_sequence: int, blocks: int) -> list[Block]:
        """Return at most so many blocks by one question, at least one. An empty one from the end of the ring."""
        return list(self._some_blocks(ring, from_sequence, blocks))

    def _some_blocks(self, ring: str, from_sequence: int, blocks: int) -> Iterator[Block]:
        """Return at least one block. Skip a block that comes twice; request a missing one again."""
        try:
            if blocks > 1:
                for reply in self.answers("journal.read", {"ring": ring, "from_sequence": from_sequence, "blocks": blocks}):
                    if reply["first_sequence"] > max(1, from_sequence):
                        break  # a reply was lost, or records are missing: the next question shows which
                    if reply["next_sequence"] <= from_sequence and reply["more"]:
                        continue
                    raw = reply.pop("raw", b"")
                    end, count = whole_from(raw, from_sequence or reply["first_sequence"])
                    from_sequence = reply["next_sequence"] = reply["first_sequence"] + count if raw[end:] else reply["next_sequence"]
                    if count or not raw:
                        yield Block(reply, raw[:end])
                    if raw[end:]:
                        break  # the next question makes the pump skip the damaged record
                else:
                    return
        except Refused as error:
            if error.fault != "bad_params":
                raise
        except LinkLost as error:
            self._dropped(error)
        yield self.journal_read(ring, from_sequence)

    def journal(self, ring: str, from_sequence: int = 0) -> Iterator[Records]:
        """Yield blocks of records from `from_sequence` on: the pump's announcement (first, next, last sequence) and the `raw` bytes.

        Numbers missing between two records, or after the last one, belong to damaged or overwritten records. Boot numbers are complete.
        """
        if self.boot is None:
            self.status()
        for reply, raw in self.journal_blocks(ring, from_sequence):
            starts = gaps.whole_records(raw, reply["first_sequence"], reply["next_sequence"])
            decoded = [record_types.decode_at(raw, at) for at in starts]
            for record in decoded:
                record.boot = whole_boot(record.boot, self.boot or 0)
            yield Records({**reply, "raw": raw}, decoded)

    def forecast_digest(self, digest: str, utc_s: int, zone: Zone, days: int, bridge_steps: int | None = None) -> str:
        """Return the digest of a forecast (`pumpcore.program.forecast`) that the pump computes for the active or a staged program.
        `bridge_steps`: the position at which its bridge begins."""
        names = ("offset_s", "transition_utc_s", "transition_offset_s")
        params = {"digest": digest, "utc_s": utc_s, "days": days, **dict(zip(names, zone.values(), strict=True))}
        answer: Reply = {"second_s": 0, "remainder": 0, "chain": "0" * (2 * CHAIN_BYTES)}
        if bridge_steps is not None:
            params, answer = {**params, "bridge": 1}, {**answer, "position_steps": bridge_steps}
        for _ in range(MOST_CALLS):
            told = self.ask("forecast.digest", {**params, **answer})
            if told["done"]:
                return str(told["chain"])
            if told["second_s"] <= answer["second_s"]:
                raise replies.bad_answer("forecast.digest", f"second_s stays at {answer['second_s']} and done is false")
            answer = {name: told[name] for name in answer if name in told}
        raise replies.bad_answer("forecast.digest", f"done is false after {MOST_CALLS} answers")

    # --- commands: they change something; the client repeats them with the same id

    def clock_set(self, utc_s: int, offset_s: int, transition_utc_s: int = 0, transition_offset_s: int = 0) -> Reply:
        """Set UTC, local time minus UTC, and the next change of that (0: none known)."""
        params = {"utc_s": utc_s, "offset_s": offset_s}
        if transition_utc_s:
            params |= {"transition_utc_s": transition_utc_s, "transition_offset_s": transition_offset_s}
        return self.command("clock.set", params)

    def program_stage(self, packed: bytes, tell: Tell | None = None) -> Reply:
        """Stage a program and have the pump check it; return the program that the pump read. `tell(done, total)` reports the progress.
        Raises Refused if the program does not fit the pump."""
        reply = self.ask("program.stage", {"program": base64.b64encode(packed).decode()})
        if reply.get("digest") == digest_of(packed):  # otherwise the pump has another program: the caller compares
            self.program_check(digest_of(packed), tell)
        return reply

    def program_check(self, digest: str, tell: Tell | None = None) -> None:
        """Continue the pump's check of a staged program until it is done. Each call takes a part of a second."""
        for _ in range(MOST_CHECKS):
            reply = self.ask("program.check", {"digest": digest})
            if reply.get("done") is True:
                return
            if tell is not None:
                tell(int(reply.get("done_permille", 0)), 1000)
        raise Failed(f"the pump did not finish checking the program in {MOST_CHECKS} calls", "stop the pump and upload it again")

    def program_activate(self, digest: str) -> Reply:
        """Activate the staged program with this digest (hex). Raises Refused, or Unknown if the outcome stays unknown."""
        return self.command("program.activate", {"digest": digest}, lambda: self._settle_program(digest))

    def start(self) -> Reply:
        """Start the active program. Raises Refused, or Unknown if the outcome stays unknown."""
        return self.command("start", {}, self._settle_start)

    def bolus_start(self, token: str, volume_nl: int, rate_nl: int) -> Reply:
        """Order a bolus at most once; `rate_nl` per the active program's seconds. The token settles a lost answer. Raises Refused, or
        Unknown if the outcome stays unknown."""
        params = {"token": token, "volume_nl": volume_nl, "rate_nl": rate_nl}
        return self.command("bolus.start", params, lambda: self._settle_bolus(token))

    def run_start(self, token: str, purpose: str, amount: int, rate: Rate, **how: str | int) -> Reply:
        """Order a bolus without a program, at most once. `amount`: steps for purpose "calibration", nl for "priming". `how`: `law` "angle",
        and `hold_s`, for which the motor stays energised after it. Raises Refused, or Unknown if the outcome stays unknown."""
        by_steps = purpose == CALIBRATION
        amounts = {"steps": amount if by_steps else 0, "volume_nl": 0 if by_steps else amount}
        params = {"token": token, "purpose": purpose, **amounts, **vars(rate), **how}
        return {"token": token, **self.command("run.start", params, lambda: self._settle_bolus(token))}

    def bolus_cancel(self, token: str) -> Reply:
        """Cancel the bolus of this token. Raises Refused, or Unknown if the outcome stays unknown."""
        return self.command("bolus.cancel", {"token": token}, lambda: self._settle_cancel(token))

    def ack(self, fault: int) -> Reply:
        """Acknowledge an alarm by its number. Raises Refused if it is not active or its cause remains."""
        return self.command("ack", {"fault": fault}, lambda: self._settle_ack(fault))

    def maintenance(self) -> Reply:
        """Return a stopped pump to the board's prompt. Raises Refused if it is not stopped."""
        return self.command("maintenance", {})

    def name_set(self, name: str) -> Reply:
        """Give the stopped pump a name; "" takes it away."""
        return self.command("name.set", {"name": name}, lambda: self._settle_name(name))

    def key_set(self, drawn: Keys, by_button: bool) -> Reply:
        """Give the stopped pump new keys; {} takes them away. The present program key signs, or with `by_button` a person holds the stop
        button: ask again until `done`. Raises Refused, or Unknown if the outcome stays unknown."""
        wanted = self.signing.wanted
        try:
            self.signing.wanted = wanted and not by_button
            return self.command("key.set", {"keys": digits_of(drawn)}, lambda: self._settle_keys(drawn))
        finally:
            self.signing.wanted = wanted

    def proves(self, role: str, key: bytes) -> bool:
        """Return True if this is the pump's key of this role: the pump answers a question that the key signs."""
        before = self.signing
        self.signing = Signing(lambda method, body, challenge: Signature(role, code_of(key, role, challenge, body)))
        self.signing.wanted = True
        try:
            self.program_read()
        except Refused as refused:
            if refused.fault not in ("signature", "unsigned"):
                raise
            return False
        finally:
            found, self.signing = self.signing.wanted, before
        return bool(found)

    def _learn_keys(self) -> None:
        """Ask the status, because another connection has met keys there: a try without a signature would be in the pump's journal."""
        try:
            self.status()
        except (Refused, BadAnswer):  # a pump that can't run its firmware takes nothing but `maintenance`
            self.signing.wanted = False

    def _explained(self, refused: Refused, request: Request) -> Refused:
        """Ask whether the pump's own keys are damaged, before a key of this computer is called wrong."""
        if refused.fault == "signature" and request.role:
            status = self._still_there(self.status)
            request.role = "" if status and status.get("keys") == DAMAGED else request.role
        return explained(refused, request)

    def _own_signer(self) -> Signer:
        """Return the signer with the keys of this pump on this computer."""
        hello = self.greeting or self.hello()
        return keys.StoredSigner(self.unique_id, str(hello.get("name") or "this pump"))

    def stop(self) -> Reply:
        """Send the bare line `stop`. It is never cached and needs no `hello` before it."""
        return self.bare_stop()

    # --- the outcome of a command with a lost answer: its reply, or None

    def settle_bolus(self, token: str) -> Reply | None:
        """Return the state of a bolus of any kind, by its token; None if the pump does not know it."""
        return self._settle_bolus(token)

    def settle_again(self, method: str, params: dict[str, Any]) -> Reply | None:
        """Send the same order with the same token again: the pump repeats its answer and does not repeat the order."""
        reply = self._still_there(lambda: self.ask(method, params))
        return {**reply, "settled": True} if reply else None

    def _settle_program(self, digest: str) -> Reply | None:
        reply = self._still_there(self.program_read)
        return {"digest": digest, "settled": True} if reply and reply.get("digest") == digest else None

    def _settle_start(self) -> Reply | None:
        reply = self._still_there(self.status)
        return {**reply, "settled": True} if reply and reply.get("state") in RUNNING_STATES else None

    def _settle_bolus(self, token: str) -> Reply | None:
        reply = self._still_there(lambda: self.bolus_status(token))
        return {**reply, "settled": True} if reply and reply.get("state") in BOLUS_STATES else None

    def _settle_cancel(self, token: str) -> Reply | None:
        reply = self._still_there(lambda: self.bolus_status(token))
        return {**reply, "settled": True} if reply and reply.get("state") not in LIVE_STATES else None

    def _settle_ack(self, fault: int) -> Reply | None:
        reply = self._still_there(self.alarms)
        active = [alarm.get("fault") for alarm in reply.get("alarms", [])] if reply else [fault]
        return {"fault": fault, "settled": True} if fault not in active else None

    def _settle_name(self, name: str) -> Reply | None:
        reply = self._still_there(self.hello)
        return {"name": name, "settled": True} if reply and reply.get("name") == name else None

    def _settle_keys(self, drawn: Keys) -> Reply | None:
        reply = self._still_there(self.status)
        if reply is None:
            return None
        taken = reply.get("keys") == (SET if drawn else NONE) and all(self.proves(role, key) for role, key in drawn.items())
        return {"done": True, "wait_s": 0, "hold_s": 0, "settled": True} if taken else None
