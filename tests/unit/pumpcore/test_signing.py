"""HMAC-SHA256 of the pump against Python's own and RFC 4231, and the tail of a frame."""

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.startup import boot
from pumpcore.wire import messages, signing
from pumpcore.wire import messages as frame
from support.pump.keys import KEYS, seal, with_keys
from support.pump.running import again, ready

CHALLENGE = b"00112233445566778899aabbccddeeff"
RFC_4231 = {
    (b"\x0b" * 20, b"Hi There"): "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
    (b"Jefe", b"what do ya want for nothing?"): "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    (b"\xaa" * 20, b"\xdd" * 50): "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
    (bytes(range(1, 26)), b"\xcd" * 50): "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
}
line_of = st.text(max_size=60).map(lambda text: frame.encode({"text": text})[:-1])


@pytest.mark.parametrize(("key", "text"), list(RFC_4231))
def test_the_codes_of_rfc_4231(key: bytes, text: bytes) -> None:
    assert signing.mac(key, [text]).decode() == RFC_4231[key, text]


@given(st.binary(min_size=32, max_size=32), st.lists(st.binary(max_size=200), max_size=5))
def test_a_code_is_that_of_python_however_the_text_is_cut(key: bytes, parts: list[bytes]) -> None:
    assert signing.mac(key, [memoryview(part) for part in parts]).decode() == hmac.new(key, b"".join(parts), "sha256").hexdigest()


@given(st.binary(max_size=80), st.binary(max_size=80))
def test_two_are_the_same_if_they_are_equal(first: bytes, second: bytes) -> None:
    assert signing.same(first, second) == (first == second) and signing.same(first, bytes(first))


@pytest.mark.rule("R10")
@pytest.mark.parametrize("role", signing.ROLES)
@given(line_of)
def test_a_signature_is_what_a_client_makes_and_the_frame_stays_readable(role: str, line: bytes) -> None:
    sent = seal(line, role, CHALLENGE)[:-1]
    made = signing.signature(signing.key_of(KEYS, role), role, CHALLENGE, [line[:-9]])
    assert sent == line + made and messages.signature(sent) == made and messages.signature(line) == b""
    assert frame.decode(sent) == frame.decode(line)


@given(line_of, st.binary(max_size=140))
def test_what_follows_a_frame_changes_nothing_that_was_read(line: bytes, tail: bytes) -> None:
    """With any bytes after it, a frame is the same object or no frame."""
    try:
        assert frame.decode(line + tail) == frame.decode(line)
    except frame.FrameError as error:
        assert error.fault in ("bad_frame", "bad_json")


def test_both_sides_mean_the_same_file_and_the_same_size() -> None:
    pump = ready()
    pump.board.flash.write(signing.FORGET_PATH, b"")
    boot.keys.forget(pump.pump)
    assert not pump.board.flash.exists(signing.FORGET_PATH) and pump.records("keys_changed")
    for keys, state in ((KEYS, "set"), (KEYS[:-1], "damaged")):
        assert len(KEYS) == signing.KEYS_BYTES and again(with_keys(ready(), keys)).call("status")["keys"] == state
