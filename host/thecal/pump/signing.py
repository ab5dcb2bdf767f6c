"""Signed requests: a pump with keys takes a command only with the code that a key of a sufficient role makes (PROTOCOL.md, Keys).

The code is HMAC-SHA256 (RFC 2104) over a challenge of the pump, the role and the bytes of the request. A key never leaves this computer.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from pumpcore.wire import messages
from thecal.errors import BadInput, NoKey, Refused

# from the least to the most; a role may also do what those before it may
ROLES = ("look", "operate", "program")
KEY_BYTES = 32
CHALLENGE = "key.challenge"
SEALED_BYTES = 10  # `*`, eight digits of the CRC, newline
MOST_TRIES = 4  # of one request: unsigned, signed, with a new challenge, with keys whose change was not answered
NO_KEYS = "no keys are set"  # the cause in a refusal of a signature by a pump without keys
GROUP_DIGITS = 8

Keys = Mapping[str, bytes]  # by role


class Signature(NamedTuple):
    """The role that signs, and its code for one request and one challenge."""

    role: str
    code: bytes


# (method, the request's bytes, the challenge) -> the signature. Raises NoKey.
Signer = Callable[[str, bytes, bytes], Signature]


class Request:
    """One request in its bytes. `line` is what was sent and not answered: after a lost answer the same line is sent again."""

    def __init__(self, method: str, params: dict[str, Any]) -> None:
        self.identity = secrets.token_hex(messages.ID_DIGITS // 2)
        self.method = method
        self.sealed = messages.encode(messages.request(self.identity, method, params))
        self.line = b""
        self.role = ""
        self.sent = 0
        self.tries = 0

    @property
    def body(self) -> bytes:
        """The bytes of the JSON object alone, which are signed."""
        return self.sealed[:-SEALED_BYTES]

    def sign(self, signature: Signature, challenge: str) -> None:
        """Fill in the line to send."""
        tail = b"*%s*%s*%s\n" % (signature.role.encode(), challenge.encode(), signature.code.hex().encode())
        self.line, self.role = self.sealed[:-1] + tail, signature.role


class Signing:
    """What one connection knows of the keys of its pump. `wanted` is None until the pump said whether it has any."""

    def __init__(self, signer: Signer | None) -> None:
        self.signer = signer
        self.wanted: bool | None = None

    def needed(self, request: Request) -> bool:
        """Return True if the request must be signed before it is sent."""
        return bool(self.wanted) and bool(role_of(request.method))

    def once_more(self, request: Request, refused: Refused) -> bool:
        """Return True if the pump refused the signature for a reason that another line cures; nothing was carried out then."""
        again = request.tries < MOST_TRIES and self._curable(request, refused)
        request.line, request.sent = b"", 0
        request.tries += again
        return again

    def _curable(self, request: Request, refused: Refused) -> bool:
        if refused.fault == "unsigned" and not request.role:
            self.wanted = True
            return True
        if refused.fault != "signature" or not request.role:
            return False
        if refused.detail.get("cause") == NO_KEYS:
            self.wanted, request.role = False, ""
            return True
        # the first copy spent the challenge, or the pump was reset and has forgotten it; or the answer to a change of keys was lost
        return request.sent > 1 or bool(getattr(self.signer, "next_keys", bool)())


def explained(refused: Refused, request: Request) -> Refused:
    """Return the refusal of a signature with the command to type; any other refusal as it is."""
    if refused.fault == "signature" and request.role:
        cause = f"{refused.cause}: the {request.role} key on this computer is not the pump's"
        do = f"take the present one from a computer that has it: there `thecal key show {request.role}`, here `thecal key add`"
    elif refused.fault == "signature":  # of a command that was not signed
        cause, do = "the keys of the pump are damaged: nobody has one that counts", "draw others at the pump: thecal key new"
    elif refused.fault == "role":
        needed = refused.detail.get("needed", ROLES[-1])
        cause, do = refused.cause, f"take that key: `thecal key show {needed}` on a computer that has it, here `thecal key add`"
    else:
        return refused
    made = Refused(refused.code, refused.fault, cause, do)
    made.text, made.detail = refused.text, refused.detail
    return made


def role_of(method: str) -> str:
    """Return the lowest role that may do this; "" if everybody may, also without a key."""
    row: Any = messages.METHODS[method]
    return str(row[2])


def code_of(key: bytes, role: str, challenge: bytes, body: bytes) -> bytes:
    """Return the 32 bytes that prove the knowledge of `key` for one challenge and one request."""
    return hmac.digest(key, challenge + role.encode() + b"\n" + body, "sha256")


def lowest(keys: Keys, needed: str) -> str:
    """Return the lowest role in `keys` that may do what `needed` may; "" if none."""
    return next((role for role in ROLES[ROLES.index(needed) :] if role in keys), "")


def sufficient(needed: str) -> str:
    """Return the roles that may do this, for a message: "operate or program"."""
    return " or ".join(ROLES[ROLES.index(needed) :])


def signer_of(keys: Keys, missing: Callable[[str, str], NoKey] | None = None) -> Signer:
    """Return a signer that takes the lowest of these keys that suffices. `missing(method, needed role)` makes its error."""

    def sign(method: str, body: bytes, challenge: bytes) -> Signature:
        needed = role_of(method)
        role = lowest(keys, needed)
        if not role:
            raise (missing or no_key)(method, needed)
        return Signature(role, code_of(keys[role], role, challenge, body))

    return sign


def no_key(method: str, needed: str) -> NoKey:
    """Return the error of a command for which no key is held."""
    return NoKey(f"{method} needs the {sufficient(needed)} key of this pump", "log in with that key")


# --- a key as text


def text_of(role: str, key: bytes) -> str:
    """Return a key for a person to copy: "operate 01234567 89abcdef ..."."""
    digits = key.hex()
    return " ".join([role, *(digits[at : at + GROUP_DIGITS] for at in range(0, len(digits), GROUP_DIGITS))])


def read(text: str) -> tuple[str, bytes]:
    """Return (role, key) of a text as `text_of` writes it; role "" if the text names none. Raises BadInput; it never shows the text."""
    words = text.replace("-", " ").replace(":", " ").lower().split()
    role = words.pop(0) if words and words[0] in ROLES else ""
    digits = "".join(words)
    do = "copy the whole line that `thecal key show ROLE` prints"
    if len(digits) != 2 * KEY_BYTES:
        raise BadInput(f"a key has {2 * KEY_BYTES} digits, this text has {len(digits)}", do)
    if not messages.is_hex(digits, 2 * KEY_BYTES):
        raise BadInput("a key has only the digits 0-9 and a-f", do)
    return role, bytes.fromhex(digits)


def drawn() -> dict[str, bytes]:
    """Return a new random key for each role."""
    return {role: secrets.token_bytes(KEY_BYTES) for role in ROLES}


def digits_of(keys: Keys) -> str:
    """Return keys as `key.set` takes them; "" removes those of the pump."""
    return "".join(keys[role].hex() for role in ROLES) if keys else ""
