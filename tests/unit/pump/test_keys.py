"""The keys of pumps on this computer: a file of mode 600, or the system's keyring; what is damaged or open to others is not used."""

import os
import stat
import subprocess
import sys

import pytest

from thecal.errors import Failed
from thecal.pump import keys
from thecal.pump.keys import Held

ID = "e661a4d1c3257b2f"
KEYS = {"look": bytes(range(32)), "program": bytes(range(1, 33))}


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    monkeypatch.setenv("THECAL_RUNTIME", str(tmp_path / "runtime"))
    monkeypatch.delenv("THECAL_KEYS", raising=False)
    return tmp_path / "runtime" / "keys"


class FakeKeyring:
    """The part of the library `keyring` that is used."""

    def __init__(self, priority=5):
        self.priority, self.kept, self.locked = priority, {}, False

    def get_keyring(self):
        return self

    def _check(self):
        from keyring.errors import KeyringLocked

        if self.locked:
            raise KeyringLocked("Failed to unlock the collection!")

    def set_password(self, service, name, text):
        self._check()
        self.kept[service, name] = text

    def get_password(self, service, name):
        self._check()
        return self.kept.get((service, name))

    def delete_password(self, service, name):
        self._check()
        del self.kept[service, name]


@pytest.fixture
def ring(monkeypatch):
    import keyring

    fake = FakeKeyring()
    for name in ("get_keyring", "set_password", "get_password", "delete_password"):
        monkeypatch.setattr(keyring, name, getattr(fake, name))
    monkeypatch.setenv("THECAL_KEYS", "keyring")
    return fake


def test_keys_come_back_and_are_forgotten():
    assert keys.load(ID) == Held() and not keys.holds(ID)
    assert keys.save(ID, Held(KEYS, {"operate": bytes(32)})) == "file"
    assert keys.holds(ID.upper()) and keys.load(ID.upper()) == Held(KEYS, {"operate": bytes(32)})
    keys.forget(ID)
    keys.forget(ID)
    assert keys.load(ID) == Held()


@pytest.mark.rule("R10")
@pytest.mark.skipif(os.name != "posix", reason="other systems have no modes")
def test_only_the_owner_can_read_the_file_whatever_the_mask_is(folder):
    before = os.umask(0)
    try:
        keys.save(ID, Held(KEYS))
    finally:
        os.umask(before)
    (file,) = folder.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600 and stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.rule("R10")
@pytest.mark.skipif(os.name != "posix", reason="other systems have no modes")
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o660, 0o602])
def test_a_file_that_others_can_read_or_write_is_not_used(folder, mode):
    keys.save(ID, Held(KEYS))
    (file,) = folder.iterdir()
    file.chmod(mode)
    with pytest.raises(Failed, match="other users can read or change") as found:
        keys.load(ID)
    assert f"chmod 600 {file}" in found.value.do and "thecal key roll" in found.value.do


@pytest.mark.parametrize("text", ["", "{", "[]", '{"keys": {"look": "00"}}', '{"keys": {"king": "%s"}}' % ("00" * 32), '{"keys": 1}', "{}"])
def test_a_damaged_file_is_named(folder, text):
    keys.save(ID, Held(KEYS))
    (file,) = folder.iterdir()
    file.write_text(text)
    with pytest.raises(Failed, match="is damaged"):
        keys.load(ID)
    keys.forget(ID)
    assert not keys.holds(ID)


def test_an_id_that_is_no_file_name_never_becomes_one():
    for name in ("../../x", "", "a/b", "x" * 8):
        assert keys.load(name) == Held() and not keys.holds(name)
        with pytest.raises(Failed, match="no unique id"):
            keys.save(name, Held(KEYS))


def test_the_keyring_keeps_the_keys_and_the_file_only_says_so(folder, ring):
    assert keys.save(ID, Held(KEYS)) == "keyring"
    (file,) = folder.iterdir()
    assert file.read_text() == '{"place": "keyring"}' and keys.load(ID) == Held(KEYS)
    keys.forget(ID)
    assert ring.kept == {} and not keys.holds(ID)


def test_a_locked_or_emptied_keyring_is_an_error_with_a_way_out(ring):
    keys.save(ID, Held(KEYS))
    ring.locked = True
    for call in (lambda: keys.load(ID), lambda: keys.save(ID, Held(KEYS)), lambda: keys.forget(ID)):
        with pytest.raises(Failed, match="keyring can't be used") as found:
            call()
        assert "thecal config keys file" in found.value.do
    ring.locked = False
    ring.kept.clear()
    with pytest.raises(Failed, match="no keys of this pump any more"):
        keys.load(ID)


def test_keys_of_a_file_are_read_whatever_the_default_is_now(ring, monkeypatch):
    monkeypatch.setenv("THECAL_KEYS", "file")
    keys.save(ID, Held(KEYS))
    monkeypatch.setenv("THECAL_KEYS", "keyring")
    assert keys.load(ID) == Held(KEYS) and ring.kept == {}


@pytest.mark.parametrize(("priority", "place"), [(5, "keyring"), (1, "keyring"), (0.5, "file"), (0, "file"), (-1, "file")])
def test_without_a_default_the_keyring_counts_if_it_is_a_recommended_one(ring, monkeypatch, priority, place):
    monkeypatch.delenv("THECAL_KEYS")
    monkeypatch.delenv("THECAL_RUNTIME")
    ring.priority = priority
    assert keys.place() == place


def test_another_place_is_refused(monkeypatch):
    from thecal.errors import BadInput

    monkeypatch.setenv("THECAL_KEYS", "cloud")
    with pytest.raises(BadInput, match="THECAL_KEYS"):
        keys.place()


def test_the_keyring_library_is_not_loaded_by_the_start_of_a_verb():
    code = "import sys, thecal.cli.app, thecal.pump.client, thecal.cli.verbs.key; sys.exit('keyring' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
