"""Somebody on the line without the right key tries 100,000 lines: recorded ones, changed, cut, recombined, newly made. Nothing changes."""

import hashlib
from collections import Counter
from random import Random
from typing import Any

import pytest

from pumpcore.wire import messages
from pumpcore.wire import messages as frame
from support.programs import constant
from support.pump.keys import KEYS, OTHERS, ROLES, challenge, fault, key_of, least, mac, seal, signed, with_keys
from support.pump.running import UnitPump, ready

CHANGING = [method for method in messages.METHODS if messages.changes(method)]
NEEDING = [method for method, row in messages.METHODS.items() if row[2]]
LOOKING = [method for method, row in messages.METHODS.items() if row[2] == "look"]
LETTERS = b'0123456789abcdef*"{}:,lookperatgm \r\\'
HARMLESS = frozenset({"unsigned", "signature", "role", "bad_frame", "bad_json", "bad_params", "unknown_method"})
LEGIT_EVERY, MINUTE_EVERY, WHOLE_WAY_EVERY = 400, 1_500, 50


class Attacker:
    """Whoever reads and writes the line, and holds the look key. `known`: lines that somebody with all keys has sent."""

    def __init__(self, pump: UnitPump, seed: int) -> None:
        self.pump, self.random = pump, Random(seed)
        self.known: list[bytes] = []
        self.challenges: list[bytes] = []
        self.names = 0

    def listen(self) -> None:
        """Record what somebody with the program key sends, and ask for challenges."""
        self.names += 1
        self.known.append(signed(self.pump, "name.set", "program", name=f"n{self.names}")[:-1])
        assert fault(self.pump, self.known[-1] + b"\n") == ""
        self.known.append(signed(self.pump, "program.read", self.random.choice(ROLES))[:-1])
        assert fault(self.pump, self.known[-1] + b"\n") == ""
        self.known, self.challenges = self.known[-12:], [challenge(self.pump) for _ in range(4)] + self.challenges[:4]

    def object(self) -> bytes:
        """Return a command that would change something or read what is not public, with a new or a known id."""
        method = self.random.choice(self.random.choice((CHANGING, CHANGING, CHANGING, NEEDING, LOOKING)))
        params: dict[str, Any] = least(method)
        if method == "key.set":
            params = {"keys": self.random.choice(("", OTHERS.hex()))}
        identity = self.random.choice((f"{self.random.getrandbits(64):016x}", frame.decode(self.random.choice(self.known))["id"]))
        return frame.encode(messages.request(identity, method, params))[:-1]

    def changed(self, line: bytes) -> bytes:
        """Return a line with some bytes changed, added, left out or moved."""
        raw = bytearray(line)
        for _ in range(self.random.choice((1, 1, 1, 2, 3, 8))):
            at = self.random.randrange(len(raw))
            kind = self.random.randrange(4)
            if kind == 0:
                raw[at] = self.random.choice(LETTERS)
            elif kind == 1:
                raw.insert(at, self.random.choice(LETTERS))
            elif kind == 2 and len(raw) > 1:
                del raw[at]
            else:
                raw[at] ^= 1 << self.random.randrange(8)
        return bytes(raw).replace(b"\n", b"0")

    def parts(self) -> list[bytes]:
        """Return [object, CRC, role, challenge, MAC] of a recorded line."""
        return self.random.choice(self.known).split(b"*")

    def recombined(self) -> bytes:
        rows = [self.parts() for _ in range(5)]
        made = [row[at] for at, row in enumerate(rows)]
        if self.random.random() < 0.5:
            made[0] = self.object()[:-9]
        if self.random.random() < 0.5:
            made[2] = self.random.choice(ROLES).encode()
        if self.random.random() < 0.5:
            made[3] = self.random.choice(self.challenges)
        if self.random.random() < 0.9:
            made[1] = frame.crc_text(made[0])
        return b"*".join(made)

    def forged(self) -> bytes:
        """Return a command that is signed with a key that this person has or can guess."""
        line, role = self.object(), self.random.choice(ROLES)
        key = self.random.choice((
            key_of("look"), bytes(32), b"\xff" * 32, hashlib.sha256(b"guess").digest(), KEYS[:31] + b"\0", KEYS[1:33],
        ))  # fmt: skip
        if self.random.random() < 0.25:  # rightly signed, with the one key that this person holds
            role, key = "look", key_of("look")
        given = self.random.choice(self.challenges)
        return b"*".join([line, role.encode(), given, mac(key, role.encode(), given, line[:-9])])

    def cut(self) -> bytes:
        line = self.random.choice((*self.known, self.forged()))
        return line[: self.random.randrange(len(line))] + self.random.choice((b"", b"", b"*", b"0" * 8, b"\r"))

    def line(self) -> bytes:
        kind = self.random.randrange(8)
        if kind == 0:
            return self.random.choice(self.known)
        if kind == 1:
            return self.changed(self.random.choice(self.known))
        if kind == 2:  # the object is changed and its CRC is right again
            row = self.parts()
            row[0] = self.changed(row[0])
            return b"*".join([row[0], frame.crc_text(row[0]), *row[2:]])
        return (self.recombined, self.forged, self.cut, self.object, self.recombined)[kind - 3]()


def facts(pump: UnitPump) -> list[Any]:
    """Return what a command could change. Each change is journaled before it happens (R9)."""
    app = pump.pump
    return [
        app.journal.rings["events"].next_sequence, app.setup.digest, app.setup.name, app.setup.keys, app.setup.packed, app.delivery.state,
        app.start_wanted, app.reset_wanted, app.board.system.maintenance_requested, app.alarms.active(), app.tokens.number,
        [getattr(app.setup.bench, name) for name in ("rate_nl", "hour_nl", "day_nl")], app.book.wall.zone.offset_s,
    ]


def attacked(count: int, seed: int) -> Counter[str]:
    """Return how often each answer came."""
    pump = with_keys(ready(constant(900_000)))
    attacker, told = Attacker(pump, seed), Counter[str]()
    app, link = pump.pump, pump.board.link
    for number in range(count):
        if number % MINUTE_EVERY == 0:
            pump.advance(61)  # challenges end, and the pump writes its totals
        if number % LEGIT_EVERY == 0 or number % MINUTE_EVERY == 0:
            attacker.listen()
            before = facts(pump)
        line = attacker.line()
        if number % WHOLE_WAY_EVERY == 0:
            answer = pump.line(line + b"\n")
        else:
            link.outgoing = b""
            app.session.answer(line)
            answer = link.outgoing
        told[verdict(line, attacker, answer)] += 1
        assert facts(pump) == before, line
    return told


def verdict(line: bytes, attacker: Attacker, answer: bytes) -> str:
    """Return the refusal, or what was allowed: a repeat from memory, a question that the look key may ask, the wait for the button."""
    if not answer:
        assert not line.strip()
        return "nothing"
    reply = frame.decode(answer.split(b"\n")[0])
    if "error" in reply:
        name = str(reply["error"]["data"]["fault"])
        assert name in HARMLESS or line.count(b"*look*") or b'"key.set"' in line, (line, reply)
        return name
    if line.rstrip(b"\r") in attacker.known:
        return "from memory"
    method = frame.decode(line)["method"]
    if method == "key.set":
        assert reply["result"]["done"] is False
        return "waits for the button"
    assert messages.METHODS[method][2] in ("", "look"), (line, reply)
    return "looked"


@pytest.mark.rule("R10")
@pytest.mark.parametrize(("count", "seed"), [(4_000, 1), pytest.param(100_000, 2, marks=pytest.mark.long)])
def test_no_try_without_the_key_changes_anything(count: int, seed: int, record_property: Any) -> None:
    told = attacked(count, seed)
    assert {"unsigned", "signature", "role", "bad_frame", "from memory", "looked", "waits for the button"} <= set(told)
    words = ", ".join(f"{name} {number:,}" for name, number in told.most_common())
    record_property("figure", f"keys: {count:,} tries without the right key: 0 changes ({words})")


@pytest.mark.rule("R10")
def test_the_same_tries_change_a_pump_whose_check_is_taken_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """So the test above can fail."""
    from app.wire.tokens import Signatures

    monkeypatch.setattr(Signatures, "check", lambda *_: None)
    pump = with_keys(ready(constant(900_000)))
    before = facts(pump)
    assert fault(pump, seal(pump.request("name.set", name="x"), "program", b"0" * 32, OTHERS)) == "" and facts(pump) != before
