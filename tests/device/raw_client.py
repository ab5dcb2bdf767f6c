"""Program a pump, start it, stop it and decode its journal, knowing nothing but PROTOCOL.md.

    python -I -S raw_client.py PORT [--patience-s SECONDS] [--run-s SECONDS | --wait]

PORT is a serial port, a pseudo-terminal, or HOST:PORT of a TCP socket. It waits 3 s for an answer, or as long as its patience. Between
start and stop it lets SECONDS pass (1), or with --wait prints `{"started": ...}` and waits for a line on its standard input. The last line
that it prints is one JSON object. It uses the standard library only and first proves that the project's own packages cannot be imported.
"""

import base64
import hashlib
import json
import os
import select
import socket
import struct
import sys
import time
import zlib

RATE_SECONDS_S, RATE_NL, UTC_S = 3600, 900_000, 1_767_571_200
RECORDS = {
    1: ("boot", "<B8s8sIQQQ", "cause unique_id release powered_on_s confirmed_steps leased_steps uncertain_steps"),
    70: ("boot", "<B8s8sIQQQI16s",
         "cause unique_id release powered_on_s confirmed_steps leased_steps uncertain_steps boot_number journal_identity"),
    71: ("journal_gap", "<II", "first_sequence last_sequence"),
    2: ("clock_set", "<IIi", "old_utc_s new_utc_s offset_s"),
    3: ("program_activated", "<32s", "digest"),
    4: ("started", "<BQ32sI", "by position_steps digest powered_on_s"),
    5: ("stopped", "<BQQQ", "by ordered_steps delivered_steps powered_on_s"),
    6: ("entry", "<HQQQ", "entry rate_nl ordered_steps delivered_steps"),
    7: ("total", "<QQQI", "ordered_steps delivered_steps leased_steps powered_on_s"),
    8: ("bolus_ordered", "<8sQQI", "token volume_nl rate_nl ordered_steps"),
    9: ("bolus_started", "<8s", "token"),
    10: ("bolus_ended", "<8sBI", "token reason delivered_steps"),
    11: ("missed", "<BIIQ", "cause from_utc_s to_utc_s missed_steps"),
    12: ("alarm", "<HBI", "fault change count"),
    13: ("maintenance", "<B", "reason"),
    14: ("remainder_dropped", "<BQQ", "source remainder modulus"),
    15: ("paused", "<HQ", "fault ordered_steps"),
    16: ("unpaused", "<QQ", "ordered_steps missed_steps"),
}


def names_not_importable():
    """Return the names of the project's packages; exit if one of them can be imported."""
    missing = []
    for name in ("thecal", "pumpcore"):
        try:
            __import__(name)
        except ImportError:
            missing.append(name)
    if missing != ["thecal", "pumpcore"]:
        sys.exit("this proves nothing: a package of the project can be imported (use python -I -S)")
    return missing


def option(arguments, name, otherwise):
    return float(arguments[arguments.index(name) + 1]) if name in arguments else otherwise


class Port:
    """Bytes to and from a pump, by file descriptor."""

    def __init__(self, name, patience_s):
        self.patience_s = patience_s
        host, colon, number = name.rpartition(":")
        if colon and number.isdigit() and not os.path.exists(name):
            self._socket = socket.create_connection((host, int(number)), 5)
            self._read, self.write = lambda: self._socket.recv(4096), self._socket.sendall
            self._handle = self._socket.fileno()
        else:
            import tty

            self._handle = os.open(name, os.O_RDWR | os.O_NOCTTY)
            tty.setraw(self._handle)
            self._read = lambda: os.read(self._handle, 4096)
            self.write = self._write_all
        self._pending = b""

    def _write_all(self, data):
        while data:
            data = data[os.write(self._handle, data) :]

    def _more(self, deadline_s):
        wait_s = max(0, deadline_s - time.monotonic())
        if not select.select([self._handle], [], [], wait_s)[0]:
            return False
        data = self._read()
        if not data:
            sys.exit("the pump closed the connection")
        self._pending += data
        return True

    def line(self, timeout_s):
        """Return the next line, or None."""
        deadline_s = time.monotonic() + timeout_s
        while b"\n" not in self._pending:
            if not self._more(deadline_s):
                return None
        line, self._pending = self._pending.split(b"\n", 1)
        return line

    def exactly(self, count, timeout_s):
        deadline_s = time.monotonic() + timeout_s
        while len(self._pending) < count:
            if not self._more(deadline_s):
                sys.exit("the bulk answer was cut short")
        data, self._pending = self._pending[:count], self._pending[count:]
        return data


def unframed(line):
    """Return the object of a frame, None for anything else."""
    body, star, crc = line[:-9], line[-9:-8], line[-8:]
    if star != b"*" or crc != b"%08x" % zlib.crc32(body):
        return None
    return json.loads(body)


def ask(port, method, **params):
    """Return the result of a command. The same bytes are sent up to three times: repeating is harmless."""
    identity = os.urandom(8).hex()
    body = json.dumps({"jsonrpc": "2.0", "id": identity, "method": method, "params": params}).encode()
    for _ in range(3):
        port.write(body + b"*%08x\n" % zlib.crc32(body))
        line = port.line(port.patience_s)
        while line is not None:
            reply = unframed(line)
            if reply and reply["id"] == identity:
                if "error" in reply:
                    sys.exit("%s was refused: %s" % (method, json.dumps(reply["error"])))
                return reply["result"]
            line = port.line(port.patience_s)
    sys.exit("no answer to " + method)


def packed_program():
    """Return a constant program without ceilings of its own."""
    name, fluid = b"raw client", b"water"
    head = struct.pack("<4sBBBBIHBBQQQQQ", b"TPR1", 0, 0, 0, 0, RATE_SECONDS_S, 1, len(name), len(fluid), 0, 0, 0, 0, 0)
    return head + name + fluid + struct.pack("<HQ", 0, RATE_NL)


def journal(port, ring):
    """Return every record of a ring, decoded; a gap is an entry of its own."""
    decoded, sequence = [], 1
    while True:
        answer = ask(port, "journal.read", ring=ring, from_sequence=sequence)
        raw = port.exactly(answer["bytes"], port.patience_s)
        if answer["crc32"] != "%08x" % zlib.crc32(raw):
            sys.exit("the journal was damaged on its way")
        if answer["first_sequence"] > sequence:
            decoded.append({"record": "gap", "from_sequence": sequence, "to_sequence": answer["first_sequence"]})
        if not raw:
            return decoded
        while raw:
            decoded.append(record(raw[: raw[0]]))
            raw = raw[raw[0] :]
        sequence = answer["next_sequence"]


def record(raw):
    """Return one record as a flat object."""
    if struct.unpack("<I", raw[-4:])[0] != zlib.crc32(raw[:-4]):
        sys.exit("a record of the journal is damaged")
    _, number, boot, sequence, low_ms, high_ms, utc_s = struct.unpack("<BBHIIHI", raw[:18])
    told = {"record": "type %d" % number, "boot": boot, "sequence": sequence, "uptime_ms": high_ms << 32 | low_ms, "utc_s": utc_s}
    if number in RECORDS:
        name, layout, fields = RECORDS[number]
        values = [value.hex() if isinstance(value, bytes) else value for value in struct.unpack(layout, raw[18:-4])]
        told.update(zip(fields.split(), values), record=name)
    return told


def check(port, digest):
    """Have the pump check the program, for a part of a second per call."""
    for _ in range(200):
        if ask(port, "program.check", digest=digest)["done"]:
            return
    sys.exit("the pump does not finish checking the program")


def pass_time(port, arguments):
    if "--wait" in arguments:
        print(json.dumps({"started": ask(port, "status")["state"]}), flush=True)
        sys.stdin.readline()
    else:
        time.sleep(option(arguments, "--run-s", 1))


def main(arguments):
    missing = names_not_importable()
    port = Port(arguments[0], option(arguments, "--patience-s", 3))
    port.write(b"\n")
    hello = ask(port, "hello")
    if hello["protocol"][0] != 1:
        sys.exit("the pump speaks protocol %s" % hello["protocol"])
    ask(port, "stop")
    ask(port, "clock.set", utc_s=UTC_S, offset_s=0)
    packed = packed_program()
    digest = hashlib.sha256(packed).hexdigest()
    staged = ask(port, "program.stage", program=base64.b64encode(packed).decode())
    if staged["digest"] != digest or base64.b64decode(staged["program"]) != packed:
        sys.exit("the pump holds another program than it was sent")
    check(port, digest)
    ask(port, "program.activate", digest=digest)
    ask(port, "start")
    pass_time(port, arguments)
    status = ask(port, "status")
    stopped = ask(port, "stop")
    told = {"not_importable": missing, "hello": hello, "digest": digest, "status": status, "stop": stopped}
    print(json.dumps(told | {"events": journal(port, "events"), "faults": journal(port, "faults")}))


main(sys.argv[1:])
