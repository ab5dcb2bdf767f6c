"""PROTOCOL.md against the code: every table, every example, every key of every reply."""

import base64
import binascii
import hashlib
import hmac
import json
import re
import struct

import pytest

from app.wire.handlers.table import HANDLERS, Loader
from app.wire.session import MOST_WAITING, MOST_WAITING_BYTES, REMEMBERED, REMEMBERED_BYTES
from app.wire.tokens import VALID_MS
from house_rules.tree import ROOT
from pumpcore.bench import learned, weighed
from pumpcore.faults import fault_texts, faults
from pumpcore.orders import bolus
from pumpcore.program import packing, protocol, settings, staging
from pumpcore.wire import laws, messages, record_types, records, replies
from pumpcore.wire import messages as frame
from support.programs import constant, with_settings
from support.pump import learned_tables
from support.pump.running import BENCH, Watched, ready, running

PAGE = (ROOT / "firmware" / "pumpcore" / "wire" / "PROTOCOL.md").read_text(encoding="utf-8")


def table(*header: str) -> list:
    """Return the rows of the table with this header, cells without their back ticks."""
    lines = PAGE.splitlines()
    begin = lines.index("| " + " | ".join(header) + " |") + 2
    rows = []
    for line in lines[begin:]:
        if not line.startswith("|"):
            return rows
        rows.append([cell.strip() for cell in line.strip("|").split(" | ")])
    return rows


def plain(cell: str) -> str:
    return cell.replace("`", "")


def test_the_faults_are_those_of_the_code() -> None:
    rows = [(int(row[0]), plain(row[1]), *row[2:]) for row in table("number", "name", "severity", "text", "what to do")]
    numbers = sorted(number for names in faults.NUMBERS.values() for _, number in names.items())
    every = [faults.by_number(number) for number in numbers]
    assert rows == [(fault.number, fault.name, fault.severity, *fault_texts.told(fault.name)) for fault in every]


def test_the_records_are_those_of_the_code() -> None:
    written = {}
    for number, name, size, payload in table("type", "name", "bytes", "payload"):
        fields = re.findall(r"`(\w+)` (\w+)", payload)
        layout = "<" + "".join([kind for _, kind in fields])
        assert struct.calcsize(layout) == int(size)
        written[int(number)] = [plain(name), layout, [field for field, _ in fields]]
    assert written == dict(record_types.TYPES.items())


def test_the_record_s_head_is_that_of_the_code() -> None:
    rows = [row for row in table("offset", "format", "field", "meaning") if row[2] in ("magic", "length")]
    assert len(rows) == 1  # the first such table is the program's
    section = PAGE.split("## 6.")[1]
    rows = re.findall(r"^\| (\d+) \| (\w) \| (\w+) \|", section, re.MULTILINE)
    layout = "<" + "".join([kind for _, kind, _ in rows])
    assert struct.calcsize(layout) == records.HEAD_BYTES
    raw = records.encode_record("total", (0x0102, 0x03040506, 0x0708090A0B0C, 0x0D0E0F10), (1, 2, 3, 4))
    values = dict(zip([name for _, _, name in rows], struct.unpack(layout, raw[:18])))
    assert values == {
        "length": len(raw),
        "type": 7,
        "boot": 0x0102,
        "sequence": 0x03040506,
        "uptime_low_ms": 0x090A0B0C,
        "uptime_high_ms": 0x0708,
        "utc_s": 0x0D0E0F10,
    }
    for offset, kind, _ in rows:
        assert struct.calcsize(layout[: layout.index(kind, 1)]) <= int(offset)


def test_the_codes_are_those_of_the_code() -> None:
    for record, field, values in table("record", "field", "values"):
        words = [tuple(part.split(" ", 1)) for part in values.split(", ")]
        assert [int(number) for number, _ in words] == list(range(len(words)))
        if plain(field) == "reason":
            assert tuple([word for _, word in words]) == bolus.ENDS
            continue
        for number, word in words:
            assert record_types.code_text(plain(record), plain(field), int(number)) == word
        assert record_types.code_text(plain(record), plain(field), len(words)) == str(len(words))


def test_the_program_s_header_is_that_of_the_code() -> None:
    rows = table("offset", "format", "field", "meaning")
    made = packing.Program("nä", "wasser", 7, [(3, 11), (5, 13)])
    made.mode, made.on_clock_loss, made.after_power_loss = 1, "lowest", "resume"
    made.max_rate_nl, made.hour_nl, made.day_nl, made.concentration = 1, 2, 3, (4, 5)
    packed = packing.pack(made)
    read = {field: struct.unpack_from("<" + kind, packed, int(offset))[0] for offset, kind, field, _ in rows}
    assert read == {
        "magic": b"TPR1",
        "mode": 1,
        "on_clock_loss": 1,
        "after_power_loss": 1,
        "library_bytes": 0,
        "rate_seconds_s": 7,
        "entries": 2,
        "name_bytes": 3,
        "fluid_bytes": 6,
        "max_rate_nl": 1,
        "hour_nl": 2,
        "day_nl": 3,
        "concentration_ng": 4,
        "concentration_nl": 5,
    }
    assert packed[56:] == "näwasser".encode() + struct.pack("<HQHQ", 3, 11, 5, 13)
    assert packing.CLOCK_LOSS == ("stop", "lowest") and packing.POWER_LOSS == ("stop", "resume")
    assert packing.MODES == ("constant", "schedule", "minimum", "protocol")


def test_the_settings_are_those_of_the_code() -> None:
    rows = table("at", "format", "setting", "meaning")
    made = constant(5)
    made.settings = settings.Settings(tuple(range(1, len(settings.FIELDS) + 1)), "lib")
    made.settings.overrides = 15
    packed = packing.pack(made)
    block = packed[56 + len("constantwaterlib") :]
    for number, (offset, kind, name, _) in enumerate(rows):
        assert plain(name) == settings.FIELDS[number]
        expected = 15 if plain(name) == "overrides" else number + 1
        assert struct.unpack_from("<" + kind, block, int(offset)) == (expected,)
    assert len(rows) == len(settings.FIELDS)
    assert f"the settings, {struct.calcsize('<' + ''.join([row[1] for row in rows]))} bytes" in PAGE
    assert packed[:4] == b"TPR2" and packed[7] == 3


def schema(text: str) -> dict:
    """Return the parameters of a method on the page, in the form of the code."""
    if text == "-":
        return {}
    found = {}
    for part in text.split(", "):
        name, kind = re.fullmatch(r"`(\w+)` (.+)", part).groups()
        words = kind.split(" ")
        if words[0] in ("integer", "base64", "text"):
            low, high = words[1].split("..")
            found[name] = (words[0], int(low), int(high))
        elif words[0] == "hex":
            found[name] = ("hex", int(words[1]), 0)
        else:
            found[name] = ("choice", tuple(kind.split("/")), 0)
    return found


def methods() -> dict:
    return {plain(row[0]): row[1:] for row in table("method", "params", "changes", "role", "result")}


def test_the_methods_are_those_of_the_code() -> None:
    written = {name: (schema(row[0]), row[1] == "yes", row[2].replace("-", "")) for name, row in methods().items()}
    assert json.loads(json.dumps(written)) == dict(messages.METHODS.items()) and set(HANDLERS) < set(written)


def test_every_method_has_a_handler() -> None:
    loader = Loader(ready().board.system)
    for method in messages.METHODS:
        assert method in HANDLERS or callable(loader.handler(method))


WEIGHED = weighed.Weighed(1_012_000, 99_991, 1_767_571_200, 998_207, 1_500, 500_000_000, 90, 3, "T1", "L1")
CALIBRATION = base64.b64encode(weighed.pack(WEIGHED)).decode()


def test_the_layout_of_a_rotor_s_table_is_that_of_the_code() -> None:
    rows = table("at", "format", "field", "what it says")
    one = learned_tables.learned_one()
    packed = learned.pack(one)
    read = {name: struct.unpack_from("<" + kind, packed, int(offset))[0] for offset, kind, name, _ in rows}
    fields = {name: getattr(one, name) for name in learned.FIELDS}
    assert read == {"magic": b"TCR1", "volume_bytes": 2, "bench_bytes": 4, "tube_bytes": 2, "lot_bytes": 3, **fields}
    assert packed[34:43] == b"unitT1L 1"
    assert struct.unpack(f"<{one.bins}h", packed[43:]) == tuple(one.volumes)


def test_the_causes_of_a_law_are_those_of_the_code() -> None:
    causes = {name for row in table("`law_cause`", "why the pump doses by angle") for name in re.findall(r"`(\w+)`", row[0])}
    assert causes == set(laws.LAW_CAUSES) - {""}


def test_the_calibration_s_layout_is_that_of_the_code() -> None:
    rows = table("at", "format", "name", "what it says")
    packed = weighed.pack(WEIGHED)
    read = {name: struct.unpack_from("<" + kind, packed, int(offset))[0] for offset, kind, name, _ in rows}
    fields = {name: getattr(WEIGHED, name) for name in weighed.FIELDS[:8]}
    assert read == {"magic": b"TCL1", "tube_bytes": 2, "lot_bytes": 2, **fields}
    assert packed[37:] == b"T1L1" and weighed.identity(packed) == hashlib.sha256(packed).hexdigest()[:16]


def asked() -> dict:
    """Return a real reply of every method."""
    pump = ready()
    replies = {"hello": pump.call("hello"), "clock.set": pump.call("clock.set", utc_s=1_767_571_261, offset_s=0)}
    packed = base64.b64encode(packing.pack(constant(900_000))).decode()
    replies["program.stage"] = pump.call("program.stage", program=packed)
    replies["program.check"] = pump.call("program.check", digest=replies["program.stage"]["digest"])
    replies["program.activate"] = pump.call("program.activate", digest=replies["program.stage"]["digest"])
    replies["program.read"], replies["start"] = pump.call("program.read"), pump.call("start")
    pump.advance(5)
    replies["bolus.token"] = pump.call("bolus.token")
    token = replies["bolus.token"]["token"]
    replies["bolus.start"] = pump.call("bolus.start", token=token, volume_nl=60_000, rate_nl=3_600_000)
    demand = with_settings(constant(900_000), demand_on=1, demand_nl=60_000, demand_s=60, lockout_s=600, demand_per_day=2)
    replies["bolus.status"], replies["status"] = pump.call("bolus.status", token=token), pump.call("status")
    replies["bolus.cancel"], replies["stop"] = pump.call("bolus.cancel", token=token), pump.call("stop")
    order = {"purpose": "priming", "volume_nl": 60_000, "steps": 0, "rate_nl": 3_600_000, "rate_seconds_s": 3600}
    replies["run.start"] = pump.call("run.start", token=pump.token(), **order)
    pump.call("stop")
    replies["calibration.check"] = pump.call("calibration.check", calibration=CALIBRATION)
    replies["bench.set"] = pump.call("bench.set", **BENCH["ceilings"])
    replies["calibration.set"] = pump.call("calibration.set", calibration=CALIBRATION)
    replies["calibration.read"] = pump.call("calibration.read")
    table = learned_tables.sent(learned_tables.learned_one(tube=WEIGHED.tube, lot=WEIGHED.lot, utc_s=1_767_571_261))
    replies["rotor.check"] = pump.call("rotor.check", rotor=table)
    replies["rotor.set"] = pump.call("rotor.set", rotor=table, zero_steps=-1)
    replies["rotor.phase"], replies["rotor.read"] = pump.call("rotor.phase", zero_steps=7), pump.call("rotor.read")
    pump.call("rotor.set", rotor="", zero_steps=-1)
    pump.pump.alarms.raise_fault("stop_button")
    replies["alarms"], replies["ack"] = pump.call("alarms"), pump.call("ack", fault=609)
    replies["journal.read"] = pump.call("journal.read", ring="events", from_sequence=0)
    pump.upload(with_settings(demand, capacity_nl=20_000_000, low_nl=2_000_000, empty_nl=500_000, tolerance_nl=1))
    for measured_nl in (0, 9_000_000):
        token = pump.token()
        replies["reservoir.refill"] = pump.call("reservoir.refill", token=token, measured_nl=measured_nl, filled_nl=10_000_000)
    pump.upload(with_settings(demand, line_day=20_000, tubing_nl=140_000, catheter_nl=1))
    token = pump.token()
    pump.call("reservoir.acknowledge", reason="a test")
    replies["bolus.prime"] = pump.call("bolus.prime", token=token, rate_nl=10_000_000, again=0)
    pump.advance(80)
    token = pump.token()
    pump.call("reservoir.refill", token=token, measured_nl=9_000_000, filled_nl=10_000_000)
    replies["reservoir.acknowledge"] = pump.call("reservoir.acknowledge", reason="a test")
    pump.call("start")
    pump.advance(1)
    replies["bolus.demand"] = pump.call("bolus.demand", token=pump.token())
    token = pump.token()
    replies["temporary.start"] = pump.call("temporary.start", token=token, rate_nl=0, numerator=1, denominator=2, duration_s=60)
    replies["status"].update(pump.call("status"))
    extended = pump.token()
    replies["bolus.extended"] = pump.call("bolus.extended", token=extended, volume_nl=60_000, duration_s=600)
    replies["temporary.cancel"] = pump.call("temporary.cancel", token=token)
    replies["status"].update(replies["status"]["therapy"])
    replies["status"].update(replies["status"]["reservoir"])
    replies["status"].update(replies["status"]["temporary"])
    pump.call("stop")
    replies["bridge.start"] = bridge(pump, demand)
    replies["status"].update(pump.call("status")["therapy"]["line"])
    pump.call("stop")
    zone = {"utc_s": 1_767_571_261, "offset_s": 0, "transition_utc_s": 0, "transition_offset_s": 0}
    cursor = {"second_s": 0, "remainder": 0, "chain": "0" * 64}
    replies["forecast.digest"] = pump.call("forecast.digest", digest=pump.pump.setup.digest, days=1, **zone, **cursor)
    replies["key.challenge"], replies["key.set"] = pump.call("key.challenge"), pump.call("key.set", keys="")
    replies["name.set"] = pump.call("name.set", name="flow-1")
    replies["maintenance"] = pump.call("maintenance")
    return replies


def bridge(pump: Watched, made: packing.Program) -> dict:
    """Go from one concentration to another."""
    for mass_ng in (500, 300):
        made.concentration = (mass_ng, 1_000_000)
        pump.upload(made)
    return pump.call("bridge.start", token=pump.token())


def test_every_key_of_every_reply_is_written_down() -> None:
    replies = asked()
    assert set(replies) == set(methods())
    for name, (_, _, _, result) in methods().items():
        if name == "status":
            section = re.search(r"- \*\*`status`\*\*(.*?)\n- \*\*", PAGE, re.DOTALL).group(1)
            assert set(replies[name]) <= set(re.findall(r"`(\w+)`", section))
        else:
            assert set(re.findall(r"`(\w+)`", result)) == set(replies[name]), name
    row = ready_alarm()
    assert set(re.findall(r'"(\w+)"', PAGE.split("- **`alarms`**")[1].split("}")[0])) == set(row)


def ready_alarm() -> dict:
    pump = ready()
    pump.pump.alarms.raise_fault("stop_button")
    return pump.call("alarms")["alarms"][0]


@pytest.mark.parametrize(
    "text",
    [
        f"at most {frame.MAX_BYTES} bytes without its newline",
        f"at most {packing.MAX_BYTES} bytes and {packing.MAX_ENTRIES} entries",
        f"valid for {VALID_MS // 1000} s",
        f"last {REMEMBERED} changing",
        f"at least {bolus.SHORTEST_S} s",
        f"more than {weighed.FARTHEST_PERCENT} % away",
        "up to %s of these" % {4: "four"}[weighed.KEPT - 1],
        "at most 4096 bytes, whose CRC-32",
        "version %d.%d" % messages.PROTOCOL,
        f"{MOST_WAITING} lines may wait, of {MOST_WAITING_BYTES} bytes together",
        f"keeps at most {REMEMBERED_BYTES} bytes",
    ],
)
def test_the_numbers_in_the_text_are_those_of_the_code(text: str) -> None:
    assert text in PAGE


def test_the_examples_are_right() -> None:
    blocks = [block.strip() for block in re.findall(r"```\n(.*?)```", PAGE, re.DOTALL)]
    example, packed, record, signed = blocks
    assert frame.decode(example.encode())["method"] == "status"
    made = packing.unpack(binascii.unhexlify(packed.replace("\n", "")))
    assert (made.name, made.fluid, made.rate_seconds_s, list(made.entries)) == ("demo", "water", 3600, [(0, 900_000)])
    assert packing.digest(packing.pack(made)) in PAGE and len(packing.pack(made)) == 75
    (told,), rest = record_types.decode(binascii.unhexlify(record))
    assert rest == b"" and (told.name, told.boot, told.sequence, told.uptime_ms, told.utc_s) == ("clock_set", 3, 17, 61_234, 1_767_571_261)
    assert told.fields == {"old_utc_s": 0, "new_utc_s": 1_767_571_261, "offset_s": 3600}
    body, _, name, challenge, mac = signed.encode().split(b"*")
    assert frame.decode(signed.encode())["method"] == "name.set" and challenge.decode() in PAGE.replace(signed, "")
    text = bytes.fromhex(challenge.decode()) + name + b"\n" + body
    assert mac.decode() == hmac.new(bytes(range(64, 96)), text, "sha256").hexdigest()


def test_every_state_of_the_pump_is_named() -> None:
    states = set(re.findall(r"`(\w+)`", PAGE.split("`state` (")[1].split("),")[0]))
    assert states == {"stopped", "running", "limited", "resuming", "alarm", "maintenance", "priming", "calibrating"}
    assert running().state() in states


def test_the_replies_of_the_page_are_those_of_the_table() -> None:
    """Including objects inside a reply, if the page has them in its text."""
    for name, (_, _, _, result) in methods().items():
        if name != "status":
            assert set(re.findall(r"`(\w+)`", result)) == set(replies.keys(replies.REPLIES[name])), name
    section = PAGE.split("- **`status`**:")[1].split("- **`clock.set`**")[0]
    therapy = replies.keys(replies.THERAPY)
    written = [replies.STATUS, replies.THERAPY, replies.TEMPORARY, therapy["line"], therapy["reservoir"]]
    for kind in written:
        missing = set(replies.keys(kind)) - set(re.findall(r"`(\w+)`", section))
        assert not missing
    hello = PAGE.split("- **`hello`**:")[1].split("- **`status`**:")[0]
    assert set(replies.keys(replies.CEILINGS)) <= set(re.findall(r"`(\w+)`", hello))
    alarm = PAGE.split("- **`alarms`**")[1].split("}")[0]
    assert set(re.findall(r'"(\w+)"', alarm)) == set(replies.keys(replies.ALARM))
    read = PAGE.split("- **`calibration.read`**")[1].split("- **")[0]
    for kind in (replies.keys(replies.REPLIES["calibration.read"])["nominal"], replies.CALIBRATION_ROW):
        assert set(replies.keys(kind)) <= set(re.findall(r'"(\w+)"', read))


def test_the_protocol_s_block_is_that_of_the_code() -> None:
    rows = table("size", "format", "part", "meaning")
    head = "".join(kind for size, kind, *_ in rows if "each" not in size)
    stage, loop = [kind for size, kind, *_ in rows if "each" in size]
    assert [int(size.split()[0]) for size, *_ in rows] == [struct.calcsize("<" + kind) for _, kind, *_ in rows]
    made = protocol.Protocol([(10, 20, 40), (11, 40, 40)], [(0, 2, 7)])
    made.then, made.start, made.start_value = 0, 2, 360
    block = struct.pack("<" + head, 0, 2, 360, 1) + struct.pack("<" + stage, 10, 20, 40) + struct.pack("<" + stage, 11, 40, 40)
    assert staging.pack(made) == block + struct.pack("<" + loop, 0, 2, 7)
    program = packing.Program("nä", "wasser", 7, [])
    program.mode, program.protocol = 3, made
    packed = packing.pack(program)
    assert packed[:4] == b"TPR3" and packed[56:] == bytes((0, 2)) + "näwasser".encode() + bytes(packing.SETTINGS_BYTES) + staging.pack(made)
