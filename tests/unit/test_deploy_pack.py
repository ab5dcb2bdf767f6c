"""The pack: what the host writes is what it and the chip read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thecal.deploy import pack


@given(st.dictionaries(st.from_regex(r"/[a-z]{1,40}(/[a-z]{1,20}){0,2}\.mpy", fullmatch=True), st.binary(max_size=3000), max_size=60))
def test_what_goes_into_the_pack_comes_out(modules):
    """As the host reads it, and by the rows as the chip reads them: what stands before the first module, then path, place, length."""
    packed = pack.pack(modules)
    assert pack.unpack(packed) == modules
    head = packed[5 : int(packed[:5])]
    assert head.endswith(b"\n\n") or not modules
    for path, data in modules.items():
        at = head.index(b"\n" + path.encode() + b" ") + 1
        _, begin, length = head[at : head.index(b"\n", at)].split()
        assert packed[int(begin) : int(begin) + int(length)] == data


@pytest.mark.parametrize("cut", [1, 100, -1])
def test_a_pack_that_is_not_whole_is_refused(cut):
    with pytest.raises(ValueError, match="pack"):
        pack.unpack(pack.pack({"/a.mpy": b"M" * 200})[:-cut] if cut > 0 else pack.pack({"/a.mpy": b"M"}) + b"more")
