"""A pump in this process whose replies are spoilt one value at a time: a link without a port, a clock without waiting.

The sane replies are those of the real app. What one short life does not show (a bridge, a temporary rate) is added by hand.
"""

import binascii
import copy
import json
import time

from pumpcore.wire import messages
from pumpcore.wire.messages import BARE_WORDS
from support.programs import MONDAY_UTC_S, constant, with_settings
from support.pump import learned_tables
from support.pump.running import ready

ESC = "a\x1b[31m\x07b\u202ec"
HUGE = 10**40
MISSING = object()
BAD_VALUES = (
    None, True, False, -1, 0, 1, 7, 1 << 31, (1 << 32) - 1, 1 << 53, (1 << 64) - 1, 1 << 64, HUGE, -HUGE, 0.5, 1e300, float("nan"),
    float("inf"), "", "0", "x", ESC, "\ud800", "l" * 3000, "ff" * 8, "00" * 32, "AAAA", "[red]x[/]", [], [[]], [None], [1, 2, 3],
    [-1] * 400, {}, {"": None}, {"fault": []}, MISSING,
)  # fmt: skip
# lines in place of a whole reply
WRONG_LINES = (
    b"[]", b"null", b"1", b'"x"', b"{}", b'{"jsonrpc": "2.0", "id": "%s"}', b'{"jsonrpc": "2.0", "id": "%s", "result": []}',
    b'{"jsonrpc": "2.0", "id": "%s", "result": null}', b'{"jsonrpc": "2.0", "id": "%s", "result": {}}',
    b'{"jsonrpc": "2.0", "id": "%s", "error": []}', b'{"jsonrpc": "2.0", "id": "%s", "error": {}}',
    b'{"jsonrpc": "2.0", "id": "%s", "error": {"code": "x", "message": [], "data": []}}',
    b'{"jsonrpc": "2.0", "id": "%s", "error": {"code": 1, "message": "\\u001b[2J", "data": {"fault": {}, "do": 1}}}',
    b'{"jsonrpc": "2.0", "id": "%s", "error": {"code": 1e400, "message": "no", "data": null}}',
    b'{"jsonrpc": "2.0", "id": "%s", "error": {"code": 101, "message": "\\u001b[2J\\u202e", "data": {"fault": "\\u0007", "do": "\\n\\n"}}}',
    b'{"jsonrpc": "2.0", "id": "%s", "result": {"a": 1, "a": {"a": [[[[[[[[[[[[1]]]]]]]]]]]]}}}',
    b'{"jsonrpc": "2.0", "id": "%s", "result": ' + b"[" * 3000 + b"]" * 3000 + b"}",
    b'{"jsonrpc": "2.0", "id": "%s", "result": {"n": ' + b"9" * 5000 + b"}}",
    b'{"jsonrpc": "2.0", "id": "%s", "result": {"t": "' + b"x" * 16_000 + b'"}}',
)  # fmt: skip
TOKEN = "0001000100000001"
ORDERED = {"token": TOKEN, "ordered_steps": 1000, "duration_s": 100, "begins_at_ms": 5000}
BOLUS = {"token": TOKEN, "purpose": "manual", "state": "delivering", "volume_nl": 10_000, "rate_nl": 360_000, "rate_seconds_s": 3600,
         "ordered_steps": 1000, "delivered_steps": 10, "begins_at_ms": 5000}  # fmt: skip


class Stuck(Exception):
    """A command asks for ever."""


class Clock:
    """Time that passes by sleeping and by waiting for an answer; a little with each reading."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def monotonic(self) -> float:
        self.now_s += 1e-4
        return self.now_s

    def sleep(self, duration_s: float) -> None:
        self.now_s += duration_s

    def patch(self, monkeypatch) -> None:
        monkeypatch.setattr(time, "monotonic", self.monotonic)
        monkeypatch.setattr(time, "sleep", self.sleep)


class HostilePump:
    """`spoil(method, reply)` returns the answer: the object of the reply, or the bytes of its line."""

    def __init__(self, replies: dict, raw: bytes, clock: Clock) -> None:
        self.replies, self.raw, self.clock = replies, raw, clock
        self.spoil = lambda method, reply: reply
        self.asked: list = []
        self.most_questions = 20_000
        self.shared = False
        self._out = bytearray()

    def link(self, port_url: str, share: bool = False) -> "HostilePump":
        """The replacement for `thecal.pump.transport.link.Link`."""
        self._out.clear()
        self.heard = b""
        return self

    def close(self) -> None:
        """Do nothing: nothing is open."""

    def write(self, data: bytes) -> None:
        for line in data.split(b"\n"):
            if line in BARE_WORDS:
                self._answer({"id": None, "method": line.decode()})
            elif line:
                self._answer(messages.decode(line))

    def _answer(self, request: dict) -> None:
        method, identity = request["method"], request["id"]
        self.asked.append(method)
        self.clock.now_s += 0.01  # no answer is immediate
        if len(self.asked) > self.most_questions:
            raise Stuck(method)
        reply = self.spoil(method, self._whole(identity, request))
        if reply is None:
            return
        if isinstance(reply, bytes):
            self._out += messages.sealed(reply.replace(b"%s", (identity or "").encode()))
        else:
            self._out += messages.sealed(json.dumps(reply).encode())
        if method == "journal.read":
            self._out += self.raw

    def _whole(self, identity: str | None, request: dict) -> dict:
        result = copy.deepcopy(self.replies[request["method"]])
        if request["method"] == "program.check":
            result["digest"] = request["params"]["digest"]
        if request["method"] == "program.stage":
            result["program"] = request["params"]["program"]
            result["digest"] = self.digest_of(request["params"]["program"])
        if "token" in result and request.get("params", {}).get("token"):
            result["token"] = request["params"]["token"]
        return {"jsonrpc": "2.0", "id": identity, "result": result}

    @staticmethod
    def digest_of(text: str) -> str:
        from pumpcore.program.packing import digest

        return digest(binascii.a2b_base64(text))

    def read_line(self, deadline_s: float) -> bytes | None:
        end = self._out.find(b"\n")
        if end < 0:
            self.clock.now_s = max(self.clock.now_s, deadline_s)
            return None
        line = bytes(self._out[:end])
        del self._out[: end + 1]
        self.heard = line[-256:]
        return line

    def read_bulk(self, count_bytes: int, deadline_s: float) -> bytes | None:
        if len(self._out) < count_bytes:
            self._out.clear()
            self.clock.now_s = max(self.clock.now_s, deadline_s)
            return None
        data = bytes(self._out[:count_bytes])
        del self._out[:count_bytes]
        return data

    def partial(self) -> bytes:
        return bytes(self._out)


def sane() -> tuple:
    """Return (replies by method, the bytes of a journal's block) of a pump that is doing everything at once."""
    made = with_settings(constant(3_600_000), demand_on=1, demand_nl=50_000, demand_s=600, lockout_s=3600, demand_per_day=4,
                         tubing_nl=140_000, catheter_nl=199_000, line_day=20_000, capacity_nl=20_000_000, low_nl=2_000_000,
                         empty_nl=500_000, tolerance_nl=100_000)  # fmt: skip
    made.concentration = (500, 1000)
    pump = ready(made)
    token = pump.call("bolus.token")["token"]
    pump.call("reservoir.refill", token=token, measured_nl=4_000_000, filled_nl=16_000_000)
    pump.call("start")
    pump.advance(700)
    pump.call("stop")
    pump.advance(1)
    replies = {method: pump.call(method) for method in ("hello", "status", "program.read", "calibration.read", "alarms", "bolus.token")}
    replies["bolus.token"] = {"token": TOKEN, "valid_ms": 60_000}
    line = pump.line(pump.request("journal.read", ring="events", from_sequence=0))
    announced, raw = line.split(b"\n", 1)
    replies["journal.read"] = messages.decode(announced)["result"]
    replies["status"] |= {"bolus": BOLUS, "extended": {**BOLUS, "state": "paused"}, "temporary": temporary(), "utc_fraction_ms": 5,
                          "clock_set_utc_s": MONDAY_UTC_S, "transition_utc_s": MONDAY_UTC_S + 86_400, "transition_offset_s": 3600,
                          "next_change_s": 600, "entry": 0, "entry_rate_nl": 3_600_000, "alarms": [612], "last_error": "x"}  # fmt: skip
    replies["status"]["therapy"]["line"] = crossing()
    replies["alarms"] = {"alarms": [{"fault": 612, "name": "power_lost", "severity": "warning", "text": "t", "do": "d", "count": 1}]}
    row = {"packed": weighed_pair(), "position_steps": 5}
    replies["calibration.read"] |= {"calibration": row, "history": [row]}
    return replies | others(replies), raw


def temporary() -> dict:
    return {"token": TOKEN, "rate_nl": 0, "numerator": 1, "denominator": 2, "duration_s": 600, "rest_s": 500}


def crossing() -> dict:
    return {**front(), "phase": ""}


def front() -> dict:
    return {"needs": "bridge", "line_nl": 339_000, "low_nl": 300_000, "high_nl": 339_000, "least_nl": 100_000,
            "most_nl": 100_500, "old_until_steps": 4000, "new_from_steps": 6000, "old_fluid": "dye", "old_ng": 300, "old_nl": 1000,
            "new_fluid": "water", "new_ng": 500, "new_nl": 1000, "old_drugs": [{"name": "marker", "ng": 5, "nl": 7}],
            "new_drugs": [{"name": "marker", "ng": 9, "nl": 7}]}  # fmt: skip


def turned() -> dict:
    return {"table": learned_tables.learned_one().describe(), "law": "volume", "law_cause": "", "zero_steps": 1_234, "motor_steps": 5}


def weighed_pair() -> str:
    from pumpcore.bench import weighed

    one = weighed.Weighed()
    for name, value in {"volume_nl": 1_000_000, "steps": 100_000, "utc_s": MONDAY_UTC_S, "tube": "T1", "lot": "L", "runs": 3,
                        "density_ug_per_ml": 998_200, "scatter_ppm": 100, "expires_nl": 0, "expires_days": 90}.items():  # fmt: skip
        setattr(one, name, value)
    return binascii.b2a_base64(weighed.pack(one)).decode().strip()


def others(replies: dict) -> dict:
    """Add the replies that this life lacks."""
    digest = replies["program.read"]["digest"]
    clock = {name: replies["status"][name] for name in
             ("utc_s", "utc_fraction_ms", "offset_s", "transition_utc_s", "transition_offset_s", "clock_set_utc_s",
              "zone_known")}  # fmt: skip
    return {
        **dict.fromkeys(("bolus.start", "bolus.demand", "bolus.extended", "bolus.prime", "run.start"), ORDERED),
        "clock.set": {**clock, "old_utc_s": 0},
        "program.stage": {"digest": digest, "bytes": 100, "program": "", "line": front()},
        "program.check": {"digest": digest, "done": True, "done_permille": 1000},
        "program.activate": {"digest": digest},
        "start": {"digest": digest, "position_steps": 5},
        "bridge.start": {"token": TOKEN, "line_nl": 339_000, "numerator": 3, "denominator": 5, "position_steps": 5,
                         "old_until_steps": 4000, "new_from_steps": 6000},
        "stop": {"state": "stopped", "delivered_steps": 5},
        "bolus.status": {**BOLUS, "state": "done"},
        "bolus.cancel": {"token": TOKEN, "planned_steps": 5},
        "calibration.check": {"id": "0" * 16, "calibration": weighed_pair()},
        "rotor.check": {"id": "0" * 16, "rotor": learned_tables.sent(learned_tables.learned_one())},
        "rotor.read": {"rotor": learned_tables.sent(learned_tables.learned_one()), "status": turned()},
        "rotor.set": turned(),
        "rotor.phase": turned(),
        "calibration.set": replies["status"]["calibration"],
        "temporary.start": {"token": TOKEN, "begins_at_ms": 5, "ends_at_ms": 60_005},
        "temporary.cancel": {"token": TOKEN, "ends_at_ms": 60_005},
        "reservoir.refill": {"expected_nl": 4_000_000, "measured_nl": 3_000_000, "filled_nl": 16_000_000, "left_nl": 19_000_000,
                             "blocks": 1},
        "reservoir.acknowledge": {"blocks": 0},
        "ack": {"alarms": [612]},
        "bench.set": {"done": True, "wait_s": 0, "hold_s": 2},
        "key.challenge": {"challenge": "7f" * 16, "valid_ms": 60_000},
        "key.set": {"done": True, "wait_s": 0, "hold_s": 2},
        "maintenance": {"state": "maintenance"},
        "name.set": {"name": "flow-1"},
        "forecast.digest": {"second_s": 600, "remainder": 5, "chain": "0" * 64, "done": True, "position_steps": 5},
    }  # fmt: skip


def paths(value: object, at: tuple = ()) -> list:
    """Return the paths of all values in a reply, containers included."""
    found = [at] if at else []
    inner = value.items() if isinstance(value, dict) else enumerate(value[:2]) if isinstance(value, list) else ()
    return found + [path for key, one in inner for path in paths(one, (*at, key))]


def spoilt(reply: dict, path: tuple, bad: object) -> dict:
    """Return the reply with `bad` at `path`, or without that key if it is MISSING."""
    whole = copy.deepcopy(reply)
    place = whole["result"]
    for key in path[:-1]:
        place = place[key]
    if bad is MISSING:
        del place[path[-1]]
    else:
        place[path[-1]] = bad
    return whole


