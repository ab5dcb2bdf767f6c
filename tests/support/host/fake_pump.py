"""A pump without firmware behind a loopback socket: frames by `pumpcore.wire`, and a list of ways to misbehave.

For tests in which the *link* must fail at a chosen moment; the simulator tests what a real pump does.
"""

import base64
import socket
import threading
import time

from pumpcore.faults.fault_texts import told
from pumpcore.faults.faults import Refusal
from pumpcore.motion.dose import Calibration
from pumpcore.program import packing
from pumpcore.program.forecast import Cursor, Forecast
from pumpcore.program.schedule import Zone
from pumpcore.wire import messages, records
from pumpcore.wire import messages as frame
from pumpcore.wire.lines import LineBuffer

DIGEST_NONE = ""
CALIBRATION = Calibration(1_000_003, 99_991)


class FakePump:
    """One client at a time. `trouble` maps a method to a list of misbehaviours, taken one per request:

    "lose_request" (not executed, link closed), "lose_reply" (executed, link closed), "silent" (not executed, no answer),
    "mute" (executed, no answer), "twice" (answered twice), "garbage" (noise before the answer), "reset" (executed, tokens
    and memory void, link closed).
    """

    def __init__(self, protocol=(1, 0), foreign=None):
        """`foreign`: the answer to everything, of a device that is no pump."""
        self.protocol = list(protocol)
        self.foreign = foreign
        self.trouble = {}
        self.several_blocks = True
        self.oldest = 1
        self.executed = []
        self.state = "stopped"
        self.boot = 1
        self.name = ""
        self.unique_id = "0" * 16
        self.active = b""
        self.staged = {}
        self.boluses = {}
        self.tokens = []
        self.alarms = []
        self.memory = {}
        self.utc_s = self.set_utc_s = 0
        self.zone = self.fraction_ms = None
        self.journal = [records.encode_record("maintenance", (1, n, n * 1000, 0), (0,)) for n in range(1, 301)]
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port_url = f"socket://127.0.0.1:{self._server.getsockname()[1]}"
        self._closing = False
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *details):
        self._closing = True
        with socket.create_connection(self._server.getsockname()):
            pass
        self._thread.join(5)
        self._server.close()

    def _serve(self):
        while not self._closing:
            connection, _ = self._server.accept()
            with connection:
                try:
                    self._talk(connection)
                except OSError:
                    continue

    def _talk(self, connection):
        connection.settimeout(0.05)
        lines = LineBuffer()
        while not self._closing:
            try:
                data = connection.recv(4096)
            except TimeoutError:
                continue
            if not data:
                return
            if self.foreign is not None:
                connection.sendall(self.foreign)
                continue
            for line in lines.feed(data):
                if not self._line(connection, line):
                    return

    def _line(self, connection, line):
        """Answer one line; return False if the link must be closed."""
        if line in frame.BARE_WORDS:
            message = {"id": None, "method": line.decode(), "params": {}, "jsonrpc": "2.0"}
        else:
            try:
                message = frame.decode(line)
            except frame.FrameError as error:
                connection.sendall(frame.encode(messages.refusal(None, Refusal(error.fault), told(error.fault))))
                return True
        return self._misbehave(connection, message)

    def _misbehave(self, connection, message):
        waiting = self.trouble.get(message["method"], [])
        trouble = waiting.pop(0) if waiting else ""
        if trouble in ("silent", "lose_request"):
            return trouble == "silent"
        reply, following = self._reply(message)
        if trouble == "reset":
            self.boot, self.state, self.tokens, self.memory, self.staged = self.boot + 1, "stopped", [], {}, {}
        if trouble in ("lose_reply", "reset"):
            return False
        if trouble != "mute":
            connection.sendall(b"\x00\xff*noise\n{}*00000000\n" if trouble == "garbage" else b"")
            connection.sendall(reply * (2 if trouble == "twice" else 1))
        return self._misbehave(connection, following) if following else True

    def _reply(self, message):
        """Return the bytes of the reply, and the request for the reply that follows unasked, or None."""
        identity, method = message["id"], message["method"]
        if messages.changes(method) and identity in self.memory:
            return self.memory[identity], None
        self.executed.append(method)
        raw = b""
        try:
            result = getattr(self, "do_" + method.replace(".", "_"))(**message.get("params", {}))
            if isinstance(result, tuple):
                result, raw = result
        except Refusal as refusal:
            return frame.encode(messages.refusal(identity, refusal, told(refusal.fault.name))), None
        line = frame.sealed(messages.result(identity and identity.encode(), result)) + raw
        if messages.changes(method):
            self.memory[identity] = line
        if not result.get("more"):
            return line, None
        params = message["params"]
        rest = {**params, "from_sequence": result["next_sequence"], "blocks": params["blocks"] - 1}
        return line, messages.request(identity, method, rest)

    def do_hello(self):
        about = {"name": self.name, "protocol": self.protocol, "firmware": "0.1.0", "release": "0" * 64, "bench": "fake"}
        about["unique_id"] = self.unique_id
        return {**about, "implementation": {"name": "fake"}, "calibration_state": "UNCALIBRATED", "capabilities": sorted(messages.METHODS)}

    def do_status(self):
        steps = dict.fromkeys(("ordered_steps", "delivered_steps", "guard_steps", "leased_steps", "uncertain_steps"), 0)
        running = self.state == "running"
        return {
            **steps, "state": self.state, "uptime_ms": 1000, "utc_s": self.utc_s, "boot": self.boot,
            "powered_on_s": 1, "program_digest": self.digest(), "program_name": "t" if self.active else "",
            "entry": 0 if running else None, "entry_rate_nl": 1000 if running else None, "rate_seconds_s": 3600,
            "next_change_s": None, "position_uncertain_steps": 0, "calibration": CALIBRATION.describe(), "bolus": None,
            "alarms": self.alarms, "events_sequence": 300, "faults_sequence": 0, "hour_nl": 0, "day_nl": 0, "counters": {},
            **self.local_time(),
        }  # fmt: skip

    def local_time(self):
        offset_s, transition_utc_s, transition_offset_s = self.zone or (0, 0, 0)
        told = {"offset_s": offset_s, "transition_utc_s": transition_utc_s, "transition_offset_s": transition_offset_s}
        return {**told, "utc_fraction_ms": self.fraction_ms, "clock_set_utc_s": self.set_utc_s, "zone_known": self.zone is not None}

    def digest(self):
        return packing.digest(self.active) if self.active else DIGEST_NONE

    def do_clock_set(self, utc_s, offset_s, transition_utc_s=0, transition_offset_s=0):
        self.utc_s = self.set_utc_s = utc_s
        self.zone = (offset_s, transition_utc_s, transition_offset_s)
        return {"utc_s": utc_s, **self.local_time()}

    def do_program_stage(self, **params):
        packed = base64.b64decode(params["program"])
        packing.unpack(packed)
        self.staged[packing.digest(packed)] = packed
        return {"digest": packing.digest(packed), "bytes": len(packed), "program": params["program"]}

    def do_program_check(self, digest):
        if digest not in self.staged:
            raise Refusal("not_staged")
        self.checks = getattr(self, "checks", 0) + 1
        done = self.checks % 3 == 0
        return {"digest": digest, "done": done, "done_permille": 1000 if done else 333 * (self.checks % 3)}

    def do_program_activate(self, digest):
        if self.state != "stopped":
            raise Refusal("not_stopped")
        if digest not in self.staged:
            raise Refusal("not_staged")
        self.active = self.staged[digest]
        return {"digest": digest}

    def do_program_read(self):
        return {"program": base64.b64encode(self.active).decode() or None, "digest": self.digest()}

    def do_start(self):
        if self.state == "alarm":
            raise Refusal("alarm_active")
        if not self.active:
            raise Refusal("no_program")
        self.state = "running"
        return {"digest": self.digest(), "position_steps": 0}

    def do_stop(self):
        self.state = "stopped"
        return {"state": "stopped", "delivered_steps": 0}

    def do_forecast_digest(self, digest, days, second_s, remainder, chain, utc_s, bridge=0, position_steps=0, **zone):
        packed = self.staged.get(digest) or self.active
        forecast = Forecast(packing.unpack(packed), CALIBRATION, utc_s, Zone(*zone.values()), days)
        cursor = Cursor(second_s, remainder, bytes.fromhex(chain)) if second_s else forecast.begin(bytes.fromhex(digest))
        behind = forecast.block(cursor)
        told = {"second_s": behind.second_s, "remainder": behind.remainder, "chain": behind.chain.hex()}
        return {**told, "done": behind.second_s == forecast.end_s}

    def do_bolus_token(self):
        self.tokens.append(f"{len(self.tokens) + 1:016x}")
        return {"token": self.tokens[-1]}

    def do_bolus_start(self, token, volume_nl, rate_nl):
        if token not in self.tokens or token in self.boluses:
            raise Refusal("token_used" if token in self.boluses else "token_unknown")
        self.boluses[token] = "delivering"
        return {"token": token, "ordered_steps": 10, "duration_s": 100, "begins_at_ms": 0}

    def do_bolus_status(self, token):
        if token not in self.boluses:
            return {"token": token, "state": "never_ordered"}
        return {"token": token, "state": self.boluses[token], "ordered_steps": 10, "delivered_steps": 1}

    def do_bolus_cancel(self, token):
        self.boluses[token] = "cancelled"
        return {"token": token, "planned_steps": 5}

    def do_alarms(self):
        return {"alarms": [{"fault": number, "count": 1} for number in self.alarms]}

    def do_ack(self, fault):
        if fault not in self.alarms:
            raise Refusal("not_active_alarm")
        self.alarms.remove(fault)
        return {"alarms": self.alarms}

    def do_journal_read(self, ring, from_sequence, blocks=None):
        if blocks and not self.several_blocks:
            raise Refusal("bad_params", unknown="blocks")
        first = max(self.oldest, from_sequence)
        chosen = self.journal[first - 1 : first + 99] if ring == "events" else []
        raw = b"".join(chosen)
        last = len(self.journal) if ring == "events" else 0
        sequences = {"first_sequence": first, "next_sequence": first + len(chosen), "last_sequence": last}
        more = {"more": (blocks or 1) > 1 and first + len(chosen) <= last} if self.several_blocks else {}
        return {"ring": ring, "bytes": len(raw), "crc32": frame.crc_text(raw).decode(), **sequences, **more}, raw

    def do_name_set(self, name):
        if self.state != "stopped":
            raise Refusal("not_stopped")
        self.name = name
        return {"name": name}

    def do_maintenance(self):
        self.state = "maintenance"
        return {"state": self.state}


def wait_until(condition, timeout_s=5.0):
    """Poll a condition of the fake's thread; fail if it does not come true in time."""
    deadline_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.01)
