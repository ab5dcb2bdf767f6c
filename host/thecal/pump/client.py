"""The pump as an object: one method per message, three outcomes. A method returns (done), raises Refused, or raises Unknown.

Commands that change something are repeated with the same id and body until an answer comes, so repeating is harmless; when
the link stays silent, the pump is asked what became of them, and only then the outcome is unknown.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from typing import Any

from pumpcore.bolus import CALIBRATION, CANCELLED, CUT, DONE
from pumpcore.bolus import LIVE as LIVE_STATES
from pumpcore.forecast import CHAIN_BYTES
from pumpcore.hashes import sha256_hex as digest_of
from pumpcore.schedule import Zone
from pumpcore.wire import gaps, messages, records
from thecal.errors import BadAnswer, Failed, LinkLost, NoPump, PortBusy, Refused, WrongProtocol
from thecal.pump import replies
from thecal.pump.boots import whole_boot
from thecal.pump.exchange import Exchange, Reply

FIRST_PATIENCE_S = 3.0
MOST_CHECKS = 200  # of one program; a pump needs fewer than ten
BLOCKS = 64  # of 4 KiB, for one question
MOST_BLOCKS = 2048  # 8 MiB: no journal of a pump is as long
MOST_CALLS = 4096  # of a forecast's blocks: 31 days with an entry each minute of the week need fewer
RUNNING_STATES = ("running", "limited")
ALONE_STATES = ("priming", "calibrating")
# what bolus.status says of a token that ordered a bolus; the other words are never_ordered and forgotten
Tell = Callable[[int, int], None]
ENDED_STATES = (DONE, CANCELLED, CUT)
BOLUS_STATES = (*LIVE_STATES, *ENDED_STATES)


def whole_from(raw: bytes, first: int) -> tuple[int, int]:
    """(where the whole records at the front of `raw` end, how many they are) that are numbered one after another from `first` on."""
    end = count = 0
    while (length := records.whole_bytes(raw, end)) and records.sequence_of(raw, end) == first + count:
        end, count = end + length, count + 1
    return end, count


class Client(Exchange):
    """A pump behind one port. `boot` is the pump's boot number as last told by status, `greeting` its last answer to hello."""

    boot: int | None = None
    greeting: Reply | None = None

    @property
    def unique_id(self) -> str:
        """The board's, "" before a hello."""
        return str((self.greeting or {}).get("unique_id", ""))

    def __enter__(self) -> Client:
        return self

    # --- questions: they change nothing, and are asked again with a new id

    def hello(self) -> Reply:
        """Who is there. Raises WrongProtocol on another major version, WrongDevice or Silent when it is no pump."""
        try:
            reply = self.ask("hello", {}, FIRST_PATIENCE_S)
        except LinkLost as error:
            raise self.who_is_there() from error
        ours, theirs = messages.PROTOCOL[0], next(iter(reply["protocol"]), "none")
        if theirs != ours:
            do = "flash the pump with this version's firmware, or install the thecal that its firmware came with"
            raise WrongProtocol(f"the pump on {self.port_url} speaks protocol version {theirs}, this thecal speaks {ours}", do)
        self.greeting = reply
        return reply

    def status(self) -> Reply:
        reply = self.ask("status", {})
        self.boot = reply.get("boot", self.boot)
        return reply

    def program_read(self) -> Reply:
        return self.ask("program.read", {})

    def bolus_token(self) -> str:
        """A one-shot token, good for 60 s."""
        return str(self.ask("bolus.token", {})["token"])

    def bolus_status(self, token: str) -> Reply:
        """What became of a token; asks again while the pump looks through its journal."""
        for _ in range(MOST_CHECKS):
            reply = self.ask("bolus.status", {"token": token})
            if reply.get("state") != "searching":
                return reply
        raise Failed(f"the pump did not finish searching its journal in {MOST_CHECKS} calls", "ask again, or read it: thecal journal")

    def calibration_check(self, packed: bytes) -> Reply:
        """Whether the pump would take a packed calibration (`pumpcore.weighed`), and how it reads it; changes nothing."""
        return self.ask("calibration.check", {"calibration": base64.b64encode(packed).decode()})

    def calibration_read(self) -> Reply:
        """What counts now, the bench's nominal pair, and what counted before."""
        return self.ask("calibration.read", {})

    def alarms(self) -> Reply:
        return self.ask("alarms", {})

    def journal_read(self, ring: str, from_sequence: int) -> tuple[Reply, bytes]:
        """One block: what the pump announced, and its raw bytes with the CRC checked."""
        reply = self.ask("journal.read", {"ring": ring, "from_sequence": from_sequence})
        return reply, reply.pop("raw", b"")

    def journal_blocks(self, ring: str, from_sequence: int = 0) -> Iterator[tuple[Reply, bytes]]:
        """Every block from `from_sequence` on, as `journal_read` gives them, many of them for one question. Ask nothing else meanwhile.

        A pump that sends one block a question is asked for each; what went wrong on the way is asked for again.
        """
        blocks, count = BLOCKS, 0
        while True:
            for reply, raw in self._some_blocks(ring, from_sequence, blocks):
                yield reply, raw
                count += 1
                if count > MOST_BLOCKS:
                    raise replies.bad_answer("journal.read", f"{MOST_BLOCKS} blocks came and the journal did not end")
                if reply["next_sequence"] <= from_sequence or reply["next_sequence"] > reply["last_sequence"]:
                    return
                from_sequence = reply["next_sequence"]
                if "more" not in reply:
                    blocks = 1

    def _some_blocks(self, ring: str, from_sequence: int, blocks: int) -> Iterator[tuple[Reply, bytes]]:
        """At least one block, by one question when all goes well: what comes twice is passed over, what is missing asked for again."""
        try:
            if blocks > 1:
                for reply in self.answers("journal.read", {"ring": ring, "from_sequence": from_sequence, "blocks": blocks}):
                    if reply["first_sequence"] > max(1, from_sequence):
                        break  # a reply was lost, or records are gone: the next question tells which
                    if reply["next_sequence"] <= from_sequence and reply["more"]:
                        continue
                    raw = reply.pop("raw", b"")
                    end, count = whole_from(raw, from_sequence or reply["first_sequence"])
                    from_sequence = reply["next_sequence"] = reply["first_sequence"] + count if raw[end:] else reply["next_sequence"]
                    if count or not raw:
                        yield reply, raw[:end]
                    if raw[end:]:
                        break  # asked for it, the pump finds the damaged record and leaves out what it has to
                else:
                    return
        except Refused as error:
            if error.fault != "bad_params":
                raise
        except LinkLost as error:
            self._dropped(error)
        yield self.journal_read(ring, from_sequence)

    def journal(self, ring: str, from_sequence: int = 0) -> Iterator[tuple[Reply, list[records.Record]]]:
        """Blocks of records from `from_sequence` on, each with what the pump announced (first, next, last sequence) and its `raw` bytes.
        Numbers that are missing between two records, or behind the last one, are of records that are damaged or gone. Boot numbers are
        whole."""
        if self.boot is None:
            self.status()
        for reply, raw in self.journal_blocks(ring, from_sequence):
            starts = gaps.whole_records(raw, reply["first_sequence"], reply["next_sequence"])
            decoded = [records.decode_at(raw, at) for at in starts]
            for record in decoded:
                record.boot = whole_boot(record.boot, self.boot or 0)
            yield {**reply, "raw": raw}, decoded

    def forecast_digest(self, digest: str, utc_s: int, zone_days: tuple[Zone, int], bridge_steps: int | None = None) -> str:
        """The digest of a forecast (`pumpcore.forecast`) of the active or a staged program, as the pump works it out; of its bridge, when
        it is to begin at position `bridge_steps`."""
        zone, days = zone_days
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

    # --- commands: they change something, and are repeated with the same id

    def clock_set(self, utc_s: int, offset_s: int, transition_utc_s: int = 0, transition_offset_s: int = 0) -> Reply:
        """UTC, local time minus UTC, and the next change of that (0: none is known)."""
        params = {"utc_s": utc_s, "offset_s": offset_s}
        if transition_utc_s:
            params |= {"transition_utc_s": transition_utc_s, "transition_offset_s": transition_offset_s}
        return self.command("clock.set", params)

    def program_stage(self, packed: bytes, tell: Tell | None = None) -> Reply:
        """Send a program and have the pump check it; returns what the pump read. `tell(done, total)` reports how far the check is.
        Raises Refused when the program doesn't fit the pump."""
        reply = self.ask("program.stage", {"program": base64.b64encode(packed).decode()})
        if reply.get("digest") == digest_of(packed):  # else the pump holds another program: the caller compares
            self.program_check(digest_of(packed), tell)
        return reply

    def program_check(self, digest: str, tell: Tell | None = None) -> None:
        """Ask the pump to go on checking a staged program until it is done. The pump works for a part of a second at each call."""
        for _ in range(MOST_CHECKS):
            reply = self.ask("program.check", {"digest": digest})
            if reply.get("done") is True:
                return
            if tell is not None:
                tell(int(reply.get("done_permille", 0)), 1000)
        raise Failed(f"the pump did not finish checking the program in {MOST_CHECKS} calls", "stop the pump and upload it again")

    def program_activate(self, digest: str) -> Reply:
        return self.command("program.activate", {"digest": digest}, lambda: self._settle_program(digest))

    def start(self) -> Reply:
        return self.command("start", {}, self._settle_start)

    def bolus_start(self, token: str, volume_nl: int, rate_nl: int) -> Reply:
        """Order a bolus at most once; `rate_nl` per the active program's seconds. A lost answer is settled by the token."""
        params = {"token": token, "volume_nl": volume_nl, "rate_nl": rate_nl}
        return self.command("bolus.start", params, lambda: self._settle_bolus(token))

    def run_start(self, token: str, purpose: str, amount: int, rate_nl_s: tuple[int, int]) -> Reply:
        """Order a bolus without a program, at most once. `amount` is steps for purpose "calibration", nl for "priming"; `rate_nl_s` is
        (nl, seconds)."""
        by_steps = purpose == CALIBRATION
        amounts = {"steps": amount if by_steps else 0, "volume_nl": 0 if by_steps else amount}
        params = {"token": token, "purpose": purpose, **amounts, "rate_nl": rate_nl_s[0], "rate_seconds_s": rate_nl_s[1]}
        return self.command("run.start", params, lambda: self._settle_bolus(token))

    def calibration_set(self, packed: bytes) -> Reply:
        """Make a packed calibration the one that counts; `b""` makes it the bench's nominal pair."""
        params = {"calibration": base64.b64encode(packed).decode()}
        return self.command("calibration.set", params, lambda: self._settle_calibration(packed))

    def bolus_cancel(self, token: str) -> Reply:
        return self.command("bolus.cancel", {"token": token}, lambda: self._settle_cancel(token))

    def ack(self, fault: int) -> Reply:
        return self.command("ack", {"fault": fault}, lambda: self._settle_ack(fault))

    def maintenance(self) -> Reply:
        return self.command("maintenance", {})

    def stop(self) -> Reply:
        """The bare line `stop`: never cached, always acts, needs nothing known of the other end."""
        return self.bare_stop()

    # --- what became of a command whose answer is lost: the reply as if it had come, or None

    def settle_bolus(self, token: str) -> Reply | None:
        """A bolus of any kind, by its token."""
        return self._settle_bolus(token)

    def settle_again(self, method: str, params: dict[str, Any]) -> Reply | None:
        """The same order with the same token: the pump answers again and does not do it twice."""
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

    def _settle_calibration(self, packed: bytes) -> Reply | None:
        reply = self._still_there(self.calibration_read)
        current = reply["calibration"] if reply else None
        same = reply is not None and (base64.b64decode(current["packed"]) if current else b"") == packed
        return {**reply["status"], "settled": True} if reply and same else None

    def _settle_cancel(self, token: str) -> Reply | None:
        reply = self._still_there(lambda: self.bolus_status(token))
        return {**reply, "settled": True} if reply and reply.get("state") not in LIVE_STATES else None

    def _settle_ack(self, fault: int) -> Reply | None:
        reply = self._still_there(self.alarms)
        active = [alarm.get("fault") for alarm in reply.get("alarms", [])] if reply else [fault]
        return {"fault": fault, "settled": True} if fault not in active else None

    def _still_there(self, question: Callable[[], Reply]) -> Reply | None:
        try:
            return question()
        except (LinkLost, NoPump, PortBusy, Refused, BadAnswer):
            return None
