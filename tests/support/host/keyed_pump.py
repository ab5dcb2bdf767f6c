"""A fake pump with keys. It checks signatures by PROTOCOL.md with code of its own, and keeps each line that it got."""

import hmac
import secrets

from pumpcore.faults.fault_texts import told
from pumpcore.faults.faults import Refusal
from pumpcore.wire import messages
from support.host.therapy_pump import TherapyPump

ROLES = ("look", "operate", "program")
CHALLENGES = 4
RELEASE_S = 57  # an answer with this says that the button was held long enough


class KeyedPump(TherapyPump):
    """`keys` by role, {} for none. `waits`: the answers of `key.set` until the button was held, in seconds; "" is a refusal."""

    def __init__(self):
        super().__init__()
        self.keys = {}
        self.keys_state = None
        self.waits = []
        self.issued = []
        self.lines = []
        self.refused = []
        self.bodies = {}
        self.role = ""
        self.unique_id = "00a1"
        self.known = sorted(messages.METHODS)

    def state_of_keys(self):
        return self.keys_state or ("set" if self.keys else "none")

    def do_hello(self):
        return {**super().do_hello(), "capabilities": self.known}

    def do_status(self):
        return {**super().do_status(), "keys": self.state_of_keys()}

    def do_key_challenge(self):
        self.issued = [*self.issued, secrets.token_hex(16)][-CHALLENGES:]
        return {"challenge": self.issued[-1], "valid_ms": 60_000}

    def do_key_set(self, keys):
        if self.role != "program" and self.waits:
            wait_s = self.waits.pop(0)
            if wait_s == "":
                raise Refusal("button_not_held", rule="R5", limit_s=60)
            return {"done": False, "wait_s": wait_s, "hold_s": 0 if wait_s == RELEASE_S else 2}
        assert len(keys) in (0, 192)
        self.keys = {role: bytes.fromhex(keys[64 * at : 64 * at + 64]) for at, role in enumerate(ROLES)} if keys else {}
        self.keys_state, self.issued = None, []
        return {"done": True, "wait_s": 0, "hold_s": 2}

    def restart(self):
        """Forget what a reset forgets."""
        self.issued, self.bodies, self.memory = [], {}, {}

    def _line(self, connection, line):
        self.lines.append(line)
        self.role, parts = "", line.split(b"*")
        signature = parts[-3:] if len(parts) >= 5 and parts[-3].decode() in ROLES else None
        body, plain = (b"*".join(parts[:-4]), b"*".join(parts[:-3])) if signature else (line[:-9], line)
        if line in messages.BARE_WORDS:
            return super()._line(connection, line)
        try:
            message = messages.decode(plain)
            known = self._checked(message, body, signature)
        except Refusal as refusal:
            self.refused.append((message["method"], refusal.fault.name))
            connection.sendall(messages.encode(messages.refusal(message["id"], refusal, told(refusal.fault.name))))
            return True
        if known:
            connection.sendall(known)
            return True
        going_on = self._misbehave(connection, message)
        if signature:
            self.bodies[message["id"]] = body
        return going_on

    def _checked(self, message, body, signature):
        """Return the remembered answer, b"" if the request is to be carried out. Raises Refusal."""
        needed = messages.METHODS[message["method"]][2]
        if not needed or (message["method"] == "key.set" and not signature):
            return b""
        state = self.state_of_keys()
        if state == "none" and not signature:
            return b""
        if state == "none":
            raise Refusal("signature", cause="no keys are set")
        if state == "damaged":
            raise Refusal("signature")
        if not signature:
            raise Refusal("unsigned")
        role, challenge, code = (part.decode() for part in signature)
        text = bytes.fromhex(challenge) + role.encode() + b"\n" + body
        right = hmac.new(self.keys[role], text, "sha256").hexdigest() == code
        fresh = challenge in self.issued
        self.issued = [one for one in self.issued if one != challenge]
        if not right:
            raise Refusal("signature")
        if ROLES.index(role) < ROLES.index(needed):
            raise Refusal("role", role=role, needed=needed)
        self.role = role
        if fresh:
            return b""
        if self.bodies.get(message["id"]) == body and message["id"] in self.memory:
            return self.memory[message["id"]]
        raise Refusal("signature")
