"""Give a pump keys, use them, misuse them, change and remove them, knowing nothing but PROTOCOL.md.

    python -I -S keys_client.py FOLDER PORT

FOLDER holds pyserial and nothing else; PORT is what pyserial opens. It prints `{"press": true}` when somebody must hold the stop button,
and at last one JSON object. It uses pyserial and the standard library, and first proves that no package of the project can be imported.
"""

import base64
import hashlib
import hmac
import json
import os
import struct
import sys
import time
import zlib

ROLES = ("look", "operate", "program")
RATE_SECONDS_S, RATE_NL, UTC_S = 3600, 900_000, 1_767_571_200
PATIENCE_S, PRESS_S = 5.0, 60.0


def refuse_packages_of_the_project():
    for name in ("thecal", "pumpcore"):
        try:
            __import__(name)
        except ImportError:
            continue
        sys.exit("this proves nothing: a package of the project can be imported (use python -I -S)")


class Pump:
    """One line to a pump. `keys` maps role -> key; without a role a command is sent unsigned."""

    def __init__(self, url):
        import serial

        self._port = serial.serial_for_url(url, timeout=0.05)
        self._port.write(b"\n")
        self._rest = b""

    def exchange(self, line, identity):
        """Send a line, and return the reply to this id."""
        self._port.write(line + b"\n")
        end_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < end_s:
            self._rest += self._port.read(max(1, self._port.in_waiting))
            while b"\n" in self._rest:
                one, self._rest = self._rest.split(b"\n", 1)
                body, star, crc = one[:-9], one[-9:-8], one[-8:]
                if star != b"*" or crc != b"%08x" % zlib.crc32(body):
                    continue
                reply = json.loads(body)
                if reply["id"] == identity:
                    return reply
        sys.exit("no answer to %r" % line)

    def ask(self, method, **params):
        """Return the result of an unsigned command."""
        return result(self.exchange(*framed(method, params)))

    def challenge(self):
        return self.ask("key.challenge")["challenge"]

    def signed(self, key, role, method, **params):
        """Return the result of a signed command."""
        line, identity = framed(method, params)
        return result(self.exchange(sealed(line, key, role, self.challenge()), identity))


def framed(method, params):
    """Return (frame without its newline, id)."""
    identity = os.urandom(8).hex()
    body = json.dumps({"jsonrpc": "2.0", "id": identity, "method": method, "params": params}).encode()
    return body + b"*%08x" % zlib.crc32(body), identity


def sealed(line, key, role, challenge):
    """Return a frame with its signature."""
    text = bytes.fromhex(challenge) + role.encode() + b"\n" + line[:-9]
    return b"*".join([line, role.encode(), challenge.encode(), hmac.new(key, text, hashlib.sha256).hexdigest().encode()])


def result(reply):
    """Return the result, or the name of the refusal."""
    return reply["result"] if "result" in reply else reply["error"]["data"]["fault"]


def packed_program():
    name, fluid = b"keys client", b"water"
    head = struct.pack("<4sBBBBIHBBQQQQQ", b"TPR1", 0, 0, 0, 0, RATE_SECONDS_S, 1, len(name), len(fluid), 0, 0, 0, 0, 0)
    return head + name + fluid + struct.pack("<HQ", 0, RATE_NL)


def set_by_button(pump, keys):
    """Set keys while somebody holds the stop button."""
    digits = b"".join([keys[role] for role in ROLES]).hex()
    first = pump.ask("key.set", keys=digits)
    print(json.dumps({"press": True}), flush=True)
    end_s = time.monotonic() + PRESS_S
    while time.monotonic() < end_s:
        answer = pump.ask("key.set", keys=digits)
        if isinstance(answer, str) or answer["done"]:
            return first, answer
        time.sleep(0.05)
    sys.exit("nobody pressed the button")


def used(pump, keys):
    """Program the pump, start it and order a bolus with the keys."""
    packed = packed_program()
    digest, program = hashlib.sha256(packed).hexdigest(), base64.b64encode(packed).decode()
    told = {"clock": pump.signed(keys["program"], "program", "clock.set", utc_s=UTC_S, offset_s=0)}
    told["stage"] = pump.signed(keys["program"], "program", "program.stage", program=program)["digest"] == digest
    for _ in range(200):
        if pump.signed(keys["program"], "program", "program.check", digest=digest)["done"]:
            break
    told["activate"] = pump.signed(keys["program"], "program", "program.activate", digest=digest)
    told["start"] = pump.signed(keys["operate"], "operate", "start")
    token = pump.signed(keys["operate"], "operate", "bolus.token")["token"]
    line, identity = framed("bolus.start", {"token": token, "volume_nl": 60_000, "rate_nl": 3_600_000})
    line = sealed(line, keys["operate"], "operate", pump.challenge())
    told["bolus"], told["repeated"] = pump.exchange(line, identity), pump.exchange(line, identity)
    told["seen"] = pump.signed(keys["look"], "look", "bolus.status", token=token)["state"]
    return told


def misused(pump, keys):
    """Return what the pump says to what it must refuse."""
    told = {"unsigned": pump.ask("name.set", name="x"), "unsigned token": pump.ask("bolus.token")}
    told["look starts"] = pump.signed(keys["look"], "look", "start")
    told["operate names"] = pump.signed(keys["operate"], "operate", "name.set", name="x")
    told["look as program"] = pump.signed(keys["look"], "program", "name.set", name="x")
    challenge = pump.challenge()
    line, identity = framed("program.read", {})
    told["first"] = "program" in pump.exchange(sealed(line, keys["look"], "look", challenge), identity)["result"]
    line, identity = framed("program.read", {})
    told["challenge again"] = result(pump.exchange(sealed(line, keys["look"], "look", challenge), identity))
    line, identity = framed("name.set", {"name": "x"})
    told["cut"] = result(pump.exchange(sealed(line, keys["program"], "program", pump.challenge())[:-1], identity))
    wrong = sealed(line, keys["program"], "program", pump.challenge())
    other, identity = framed("name.set", {"name": "y"})
    told["another object"] = result(pump.exchange(other + wrong[len(line) :], identity))
    told["nobody's challenge"] = result(pump.exchange(sealed(other, keys["program"], "program", "0" * 32), identity))
    return told


def main(folder, url):
    refuse_packages_of_the_project()
    sys.path.append(folder)
    pump, told = Pump(url), {}
    while pump.ask("status")["checking"]:
        time.sleep(0.05)
    told["before"] = [pump.ask("status")["keys"], "key.challenge" in pump.ask("hello")["capabilities"]]
    keys = {role: os.urandom(32) for role in ROLES}
    told["set"] = set_by_button(pump, keys)
    told["state"] = pump.ask("status")["keys"]
    told["used"] = used(pump, keys)
    told["while running"] = pump.signed(keys["program"], "program", "key.set", keys="")
    told["misused"] = misused(pump, keys)
    told["stop"] = pump.ask("stop")["state"]
    new = {role: os.urandom(32) for role in ROLES}
    told["changed"] = pump.signed(keys["program"], "program", "key.set", keys=b"".join([new[role] for role in ROLES]).hex())
    told["old key"] = pump.signed(keys["program"], "program", "name.set", name="x")
    told["named"] = pump.signed(new["program"], "program", "name.set", name="ours")
    told["removed"] = pump.signed(new["program"], "program", "key.set", keys="")
    told["no keys"] = pump.signed(new["program"], "program", "name.set", name="x")
    told["after"] = [pump.ask("status")["keys"], pump.ask("hello")["name"]]
    loaded = sorted(name for name in sys.modules if name.split(".")[0] in ("thecal", "pumpcore", "app", "hal"))
    print(json.dumps(told | {"loaded": loaded}))


main(*sys.argv[1:])
