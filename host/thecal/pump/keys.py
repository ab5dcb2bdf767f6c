"""The keys of pumps on this computer: in the system's keyring, otherwise in a file that only its owner can read. One entry per pump.

The file of a pump is there in both cases. Its presence says that this computer has keys of that pump, without a look into the keyring,
whose library takes 0.15 to 0.3 s to load.
"""

from __future__ import annotations

import json
import os
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from thecal.errors import Failed, NoKey
from thecal.files import config
from thecal.pump.signing import KEY_BYTES, ROLES, Keys, Signature, lowest, role_of, signer_of, sufficient

SERVICE = "thecal"
KEYRING, FILE = "keyring", "file"
OWNER_ONLY = 0o600
USABLE = 1  # the lowest priority of a backend that its makers recommend; below are stores in plain text, and none at all


@dataclass(frozen=True)
class Held:
    """The keys that this computer holds for a pump, by role. `drawn`: new ones on the way to the pump, whose answer did not come yet."""

    keys: Keys = field(default_factory=dict)
    drawn: Keys = field(default_factory=dict)


class StoredSigner:
    """Sign with the keys of one pump on this computer; with the drawn ones after the pump has refused the others."""

    def __init__(self, unique_id: str, pump: str) -> None:
        self._unique_id, self._pump = unique_id, pump
        self._held: Held | None = None
        self._turned = False

    def __call__(self, method: str, body: bytes, challenge: bytes) -> Signature:
        """Sign. Raises NoKey, or Failed if the keys can't be read."""
        if self._held is None:
            self._held = load(self._unique_id)
        keys = self._held.keys or self._held.drawn
        return signer_of(keys, lambda method, needed: missing(self._pump, method, needed, keys))(method, body, challenge)

    def next_keys(self) -> bool:
        """Go over to the drawn keys, because the answer to their change was lost. Return False if there are none. The others stay beside
        them: only a pump that took new keys makes the old ones void."""
        if self._turned or self._held is None or not (self._held.drawn and self._held.keys):
            return False
        self._held, self._turned = Held(self._held.drawn, self._held.keys), True
        save(self._unique_id, self._held)
        return True


def missing(pump: str, method: str, needed: str, keys: Keys) -> NoKey:
    """Return the error of a command for which this computer has no key."""
    has = f"only its {' and '.join(role for role in ROLES if role in keys)} key" if keys else "no key of it"
    cause = f"{pump} has keys, and this computer has {has}: {method} needs {sufficient(needed)}; nothing was sent"
    return NoKey(cause, f"take the key from a computer that has it: there `thecal key show {needed}`, here `thecal key add`")


def require(method: str, status: dict[str, Any], hello: dict[str, Any], dry_run: bool) -> None:
    """Raise NoKey if the pump has keys and none on this computer is good for this; before anything else is done to a pump."""
    if status.get("keys", "none") == "none" or dry_run:
        return
    held, needed = load(str(hello.get("unique_id", ""))).keys, role_of(method)
    if not lowest(held, needed):
        error = missing(str(hello.get("name") or "this pump"), method, needed, held)
        raise NoKey(error.cause, f"{error.do}; or hold its stop button while you plug it in, and try again")


# --- the store


def holds(unique_id: str) -> bool:
    """Return True if this computer has keys of this pump. Does not read them."""
    path = _path(unique_id)
    return path is not None and path.exists()


def load(unique_id: str) -> Held:
    """Return the keys of this pump; none if this computer has none. Raises Failed if they can't be read, or others can read them."""
    path = _path(unique_id)
    if path is None or not path.exists():
        return Held()
    entry = _read(path)
    text = _of_keyring(unique_id) if entry.get("place") == KEYRING else entry
    try:
        return Held(_unpacked(text["keys"]), _unpacked(text.get("drawn", {})))
    except (KeyError, TypeError, ValueError, AttributeError):
        raise _damaged(path) from None


def save(unique_id: str, held: Held) -> str:
    """Keep the keys of this pump. Returns KEYRING or FILE. Raises Failed if they can't be kept."""
    path = _path(unique_id)
    if path is None:
        raise Failed("the pump reports no unique id, so its keys can't be kept", "flash it with this version's firmware: thecal flash")
    entry: dict[str, Any] = {"keys": _packed(held.keys), "drawn": _packed(held.drawn)}
    where = place()
    if where == KEYRING:
        _to_keyring(unique_id, json.dumps(entry))
        entry = {"place": KEYRING}
    try:
        _write(path, entry)
    except OSError as error:
        raise Failed(f"{path} can't be written: {error.strerror}", "make room, or correct the rights of its folder") from None
    return where


def forget(unique_id: str) -> None:
    """Remove the keys of this pump from this computer."""
    path = _path(unique_id)
    if path is None or not path.exists():
        return
    try:
        entry = _read(path)
    except Failed:
        entry = {}
    if entry.get("place") == KEYRING:
        import keyring
        from keyring.errors import KeyringError

        try:
            keyring.delete_password(SERVICE, unique_id.lower())
        except KeyringError as error:
            raise _locked(error) from None
    path.unlink(missing_ok=True)


def place() -> str:
    """Return where new keys are kept: as the user's default says, otherwise the keyring if this system has a usable one."""
    wanted = config.default("keys")
    if wanted:
        return wanted
    if os.environ.get("THECAL_RUNTIME"):  # everything that thecal remembers lies there, for a test for instance
        return FILE
    import keyring

    return KEYRING if keyring.get_keyring().priority >= USABLE else FILE


def _path(unique_id: str) -> Path | None:
    """Check an id, because it comes from the device and becomes a file name; None for an invalid one."""
    plain = unique_id.lower()
    if not re.fullmatch("[0-9a-f]{1,64}", plain):
        return None
    chosen = os.environ.get("THECAL_RUNTIME")
    if chosen:
        return Path(chosen) / "keys" / f"{plain}.json"
    import platformdirs

    return platformdirs.user_data_path("thecal") / "keys" / f"{plain}.json"


def _read(path: Path) -> dict[str, Any]:
    """Return the content of a pump's file. Refuse one that other users can read, as ssh does."""
    try:
        if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & ~OWNER_ONLY:
            do = f"chmod 600 {path}; if others may have read it, draw new keys: thecal key roll"
            raise Failed(f"other users can read or change the keys in {path}; they are not used", do)
        entry = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Failed(f"{path} can't be read: {error.strerror}", "correct the rights of the file and its folder") from None
    except ValueError:
        raise _damaged(path) from None
    if not isinstance(entry, dict):
        raise _damaged(path)
    return entry


def _write(path: Path, entry: dict[str, Any]) -> None:
    """Write whole or not at all, and durably: the pump may have the keys before the system has written the file."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with open(draft, "w", encoding="utf-8", opener=lambda name, flags: os.open(name, flags | os.O_EXCL, OWNER_ONLY)) as file:
        json.dump(entry, file)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _packed(keys: Keys) -> dict[str, str]:
    return {role: key.hex() for role, key in keys.items()}


def _unpacked(texts: dict[str, str]) -> dict[str, bytes]:
    """Raises ValueError for another role, or a key of another length."""
    keys = {role: bytes.fromhex(text) for role, text in texts.items()}
    if any(role not in ROLES or len(key) != KEY_BYTES for role, key in keys.items()):
        raise ValueError
    return keys


def _damaged(path: Path) -> Failed:
    return Failed(f"{path} is damaged: the keys in it can't be used", "remove it, and take the keys again: thecal key add")


# --- the system's keyring


def _to_keyring(unique_id: str, text: str) -> None:
    import keyring
    from keyring.errors import KeyringError

    try:
        keyring.set_password(SERVICE, unique_id.lower(), text)
    except KeyringError as error:
        raise _locked(error) from None


def _of_keyring(unique_id: str) -> dict[str, Any]:
    import keyring
    from keyring.errors import KeyringError

    try:
        text = keyring.get_password(SERVICE, unique_id.lower())
    except KeyringError as error:
        raise _locked(error) from None
    if text is None:
        raise Failed("the system's keyring has no keys of this pump any more", "take them again: thecal key add")
    entry: dict[str, Any] = json.loads(text)
    return entry


def _locked(error: Exception) -> Failed:
    said = " ".join(str(error).split())[:120] or type(error).__name__
    do = "unlock the keyring and try again; or keep new keys in a file: thecal config keys file"
    return Failed(f"the system's keyring can't be used ({said})", do)
