"""Several drugs in one reservoir: their bytes, their limits, and what another drug makes of the line."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpcore.faults.faults import Refusal
from pumpcore.fluid import front
from pumpcore.limits import limits
from pumpcore.limits.order_limits import check_dose, check_temporary_rate
from pumpcore.program.packing import MAX_BYTES, MAX_ENTRIES, MAX_RATE_NL, digest, pack, unpack
from pumpcore.program.plan import BY_STAGES, Program
from pumpcore.program.protocol import Protocol
from pumpcore.program.settings import FIELDS, LIMITS, Settings
from support.mixtures import in_library, mixed
from support.programs import constant, with_settings
from support.pump.bridges import PAIR
from thecal.checks.rigs import ANY_RIG

DYE, MARKER = ("dye", 500, 1), ("marker", 250, 1)
# Programs as the firmware of release 1 stored them, with every kind of setting.
STORED = {
    "2e192ee7a9264943163d0668c0c89e5f3ceb7a7c107de8b79de40021b603ef48": (
        "5450523100000000100e000001000405000000000000000000000000000000000000000000000000000000000000000000000000"
        "0000000064656d6f77617465720000a0bb0d0000000000"
    ),
    "82af2f834ee2754b4c2abac72bb7fa262aa4d910bb657d074edc88352508da83": (
        "545052320101010c100e00000300040300093d000000000080841e0000000000002d310100000000010000000000000002000000"
        "000000007765656b64796562656e636820666c756964730104002c010000100e000050c300000000000060ea00000000000080a9"
        "030000000000204ee02202000000000058090300000000003200a086010000000000002d31010000000080841e000000000020a1"
        "070000000000030000000300404b4c000000000000093d00000000000000000000000000000000000000000080c3c90100000000"
        "00000000000000000a000000000000001400000000000000a0bb0d000000000040420f0000000000000020a1070000000000e001"
        "00350c00000000005f270100000000000000"
    ),
}


def two(rate_nl: int = 3_600_000, **settings: object) -> Program:
    made = constant(rate_nl)
    made.fluid, made.concentration = DYE[0], DYE[1:]
    return mixed(with_settings(made, **settings) if settings else made, MARKER)


def refused(packed: bytes) -> dict[str, object]:
    with pytest.raises(Refusal) as caught:
        unpack(packed)
    return {"fault": caught.value.fault.name, **caught.value.detail}


def test_programs_that_older_firmware_stored_stay_readable_and_keep_their_digest() -> None:
    for wanted, text in STORED.items():
        packed = bytes.fromhex(text)
        found = unpack(packed)
        assert digest(packed) == wanted and pack(found) == packed
        assert len(found.content()) == 1 and found.describe()["drugs"] == []
    assert found.settings.hard_high_ng == 1_000_000 and [tuple(row) for row in found.entries][1] == (480, 800_000)


NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
NUMBER = st.integers(1, (1 << 64) - 1)


@given(st.lists(NAMES, min_size=2, max_size=4, unique=True), st.data())
def test_several_drugs_come_back_as_they_were(names: list[str], data: st.DataObject) -> None:
    made = Program("n", names[0], 3600, [(0, data.draw(st.integers(0, MAX_RATE_NL)))])
    made.concentration = (data.draw(NUMBER), data.draw(NUMBER))
    if data.draw(st.booleans()):
        in_library(made, hard_rate_nl=5, soft_rate_nl=3)
    own = tuple({"hard_rate_nl": 5 + at, "hard_low_ng": at} if made.settings else {} for at in range(len(names) - 1))
    mixed(made, *[(name, data.draw(NUMBER), data.draw(NUMBER)) for name in names[1:]], own=own)
    packed = pack(made)
    found = unpack(packed)
    assert packed[:4] == b"TPR3" and pack(found) == packed and found.describe() == made.describe()
    assert found.content() == made.content() and (found.settings is None) == (made.settings is None)
    if found.settings is not None:
        assert found.settings.drugs == made.settings.drugs


def test_every_entry_four_long_names_and_every_setting_fit() -> None:
    made = Program("n" * 80, "f" * 80, (1 << 32) - 1, [(30 * at, MAX_RATE_NL - at) for at in range(MAX_ENTRIES)])
    made.mode, made.concentration = 1, (1, 1)
    made.settings = Settings((1, 2, 20, 21, 3, 3, 9, 1, 1, 1, 1, 1, 9, 5, 4, 1, 15) + (9, 9, 9, 9, 9, 9, 1, 2, 3, 4), "l" * 80)
    limits_of_one = dict(zip(LIMITS, (9, 9, 9, 9, 9, 9, 1, 2, 3, 4), strict=True))
    mixed(made, *[(letter * 80, (1 << 64) - 1, (1 << 64) - 1) for letter in "abc"], own=(limits_of_one,) * 3)
    packed = pack(made)
    assert len(packed) <= MAX_BYTES and unpack(packed).describe() == made.describe()
    assert [tuple(row) for row in unpack(packed).entries] == [tuple(row) for row in made.entries]
    print(f"336 entries, four drugs with 80-byte names, every setting: {len(packed)} of {MAX_BYTES} bytes")


def test_the_longest_protocol_and_four_long_names_fit() -> None:
    made = Program("n" * 80, "f" * 80, 3600, [])
    made.mode, made.concentration = BY_STAGES, (1, 1)
    made.settings = Settings((0,) * 17 + (9,) * 6 + (1, 2, 3, 4), "l" * 80)
    made.settings.library_version = 1
    made.protocol = Protocol([(10, 3, 3)] * 64, [(at, 1, 5) for at in range(64)])
    own = dict(zip(LIMITS, (9,) * 6 + (1, 2, 3, 4), strict=True))
    mixed(made, *[(letter * 80, 1, 1) for letter in "abc"], own=(own,) * 3)
    packed = pack(made)
    assert len(packed) <= MAX_BYTES and unpack(packed).describe() == made.describe() and len(unpack(packed).protocol.loops) == 64


@pytest.mark.rule("R10")
@given(st.binary(max_size=400))
def test_noise_behind_the_magic_is_refused(noise: bytes) -> None:
    refused(b"TPR3" + noise)


@pytest.mark.rule("R10")
def test_every_cut_and_every_changed_byte_of_a_mixture_is_refused_or_read() -> None:
    whole = pack(mixed(in_library(two(), hard_rate_nl=5_000_000), MARKER, own=({"hard_rate_nl": 6_000_000},)))
    unpack(whole)
    for end in range(len(whole)):
        refused(whole[:end])
    for at in range(len(whole)):
        for value in (0, 1, whole[at] ^ 0x80, 255):
            try:
                found = unpack(whole[:at] + bytes([value]) + whole[at + 1 :])
            except Refusal:
                continue
            assert pack(found) == whole[:at] + bytes([value]) + whole[at + 1 :]


@pytest.mark.rule("R10")
@pytest.mark.parametrize(
    ("others", "fault"),
    [
        ((MARKER, MARKER), "program_format"),
        ((("dye", 1, 1),), "program_format"),
        ((("", 1, 1),), "program_format"),
        ((("marker", 0, 0),), "program_format"),
        ((("marker", 0, 1),), "program_format"),
    ],
)
def test_drugs_need_different_names_and_their_concentrations(others: tuple[tuple[str, int, int], ...], fault: str) -> None:
    assert refused(pack(mixed(two(), *others)))["fault"] == fault
    bare = mixed(constant(5), MARKER)
    assert refused(pack(bare))["fault"] == "program_format"


def test_a_fifth_drug_is_refused() -> None:
    with pytest.raises(Refusal) as caught:
        pack(mixed(two(), *[(name, 1, 1) for name in "abcd"]))
    assert (caught.value.fault.name, caught.value.detail["nearest"]) == ("program_size", 4)
    good = bytearray(pack(two()))
    good[56] = 4
    assert refused(bytes(good))["fault"] == "program_format"
    good[56] = 0
    assert refused(bytes(good))["fault"] == "program_format"


@pytest.mark.rule("R5")
def test_the_program_s_limits_must_hold_for_every_drug() -> None:
    """Otherwise the pump would deliver a drug above its own limit, whatever the host compiled."""
    for field in LIMITS[:6]:
        good = mixed(in_library(two(), **{field: 7}), MARKER, own=({field: 7},))
        assert unpack(pack(good)).settings.whose(field) == {"drug": "marker"}
        for value in (8, 0):
            told = refused(pack(mixed(in_library(two(), **{field: value}), MARKER, own=({field: 7},))))
            assert (told["fault"], told["drug"], told["setting"], told["nearest"]) == ("program_settings", "marker", field, 7)
    without = mixed(with_settings(two(), bolus_max_nl=9), MARKER, own=({"hard_low_ng": 7},))
    assert refused(pack(without))["fault"] == "program_format"
    odd = mixed(in_library(two()), MARKER, own=({"hard_low_ng": 7, "soft_low_ng": 6},))
    assert refused(pack(odd))["fault"] == "program_settings"


@pytest.mark.rule("R7")
def test_a_refusal_names_the_drug_whose_limit_it_is() -> None:
    made = mixed(in_library(two(), hard_rate_nl=4_000_000, soft_rate_nl=3_000_000, hard_bolus_nl=900, soft_bolus_nl=700), MARKER)
    own = {"hard_rate_nl": 4_000_000, "soft_bolus_nl": 700, "hard_high_ng": 200_000_000}
    settings = mixed(made, MARKER, own=(own,)).settings
    found = []
    for ask in (
        lambda: limits.check(made, None, PAIR), lambda: check_dose(settings, 901), lambda: check_dose(settings, 701),
        lambda: check_temporary_rate(4_000_001, 0, ANY_RIG_CEILINGS, settings),
        lambda: check_temporary_rate(3_000_001, 0, ANY_RIG_CEILINGS, settings),
    ):  # fmt: skip
        with pytest.raises(Refusal) as caught:
            ask()
        found.append((caught.value.fault.name, caught.value.detail["drug"]))
    assert found == [
        ("library_hard", "marker"), ("bolus_above_max", "dye"), ("library_soft", "marker"), ("library_hard", "marker"),
        ("library_soft", "dye"),
    ]  # fmt: skip


class Anything:
    """Ceilings that hold nothing back."""

    rate_nl = motor_nl = 1 << 60


ANY_RIG_CEILINGS = Anything()


@pytest.mark.rule("R7")
def test_the_concentration_of_each_drug_is_held_against_its_own_range() -> None:
    for ng, fault in ((99, "library_hard"), (199, "library_soft"), (250, ""), (301, "library_soft"), (401, "library_hard")):
        own = {"hard_low_ng": 100, "soft_low_ng": 200, "soft_high_ng": 300, "hard_high_ng": 400}
        made = mixed(in_library(two(5)), ("marker", ng, 1_000_000), own=(own,))
        if not fault:
            limits.check(made, None, PAIR)
            assert limits.passed(made) == []
            continue
        with pytest.raises(Refusal) as caught:
            limits.check(made, None, PAIR)
        detail = caught.value.detail
        assert (caught.value.fault.name, detail["drug"], detail["asked_ng_per_ml"]) == (fault, "marker", ng)
        made.settings.overrides = 1
        if fault == "library_soft":
            limits.check(made, None, PAIR)
            assert [(one.what, one.asked) for one in limits.passed(made)] == [(0, ng)]


@pytest.mark.rule("R5")
def test_a_day_above_the_library_s_limit_names_the_drug() -> None:
    made = mixed(in_library(two(4_000_000), hard_day_nl=90_000_000), MARKER, own=({"hard_day_nl": 90_000_000},))
    with pytest.raises(Refusal) as caught:
        limits.check_program(made, ANY_RIG, ANY_RIG.calibration)
    assert (caught.value.fault.name, caught.value.detail["drug"]) == ("day_above_ceiling", "marker")


@pytest.mark.rule("R7")
@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        ((DYE, MARKER), (DYE, MARKER), front.SAME),
        ((DYE, MARKER), (MARKER, DYE), front.SAME),
        ((DYE, MARKER), (DYE, ("marker", 500, 2)), front.SAME),
        ((DYE, MARKER), (DYE, ("marker", 251, 1)), front.BRIDGE),
        ((DYE, MARKER), (("dye", 300, 1), MARKER), front.BRIDGE),
        ((DYE, MARKER), (("marker", 5, 1), DYE), front.BRIDGE),
        ((DYE, MARKER), (DYE, ("salt", 250, 1)), front.PRIME),
        ((DYE, MARKER), (DYE,), front.PRIME),
        ((DYE,), (DYE, MARKER), front.PRIME),
        ((DYE, MARKER), (MARKER,), front.PRIME),
        (front.UNKNOWN, (DYE, MARKER), front.PRIME),
    ],
)
def test_what_another_content_of_the_line_takes(old: tuple, new: tuple, wanted: str) -> None:
    assert front.change(old, new) == wanted
    assert front.merged(old, new) == new


def test_a_bridge_follows_the_first_drug_of_the_new_content() -> None:
    assert front.ratio((DYE, MARKER), (("dye", 300, 1), ("marker", 5, 1))) == (3, 5)
    assert front.ratio((DYE, MARKER), (("marker", 500, 1), DYE)) == (2, 1)


def test_a_fluid_in_volumes_is_not_taken_for_a_mixture_of_that_name() -> None:
    assert front.merged((DYE, MARKER), (("dye", 0, 0),)) == (("dye", 0, 0),)
    assert front.change((DYE, MARKER), (("dye", 0, 0),)) == front.PRIME


def test_an_image_of_a_line_with_several_drugs_is_what_was_packed() -> None:
    made = front.Line((DYE, MARKER), (("wäter", 1, 7), ("ü" * 40, 2, 9), ("salt", 1, 1))).begin(front.BEHIND, 123, 45, PAIR)
    again = front.unpack(made.pack())
    assert (again.old, again.new, again.position_steps) == (made.old, made.new, 123)
    for at in range(len(made.pack())):
        try:  # a whole drug that is missing is for the store's CRC
            assert front.unpack(made.pack()[:at]).pack() == made.pack()[:at]
        except ValueError:
            continue
    with pytest.raises(ValueError, match="not a line"):
        front.unpack(made.pack() + struct.pack("<BBQQ", 2, 0, 1, 1))
    plain = front.Line((DYE,), (("dye", 3, 7),)).begin(front.BEHIND, 1, 0, PAIR)
    head = struct.pack("<BQQQQIIQQQQBB", 1, 1, 0, 0, 0, PAIR.volume_nl, PAIR.steps, 500, 1, 3, 7, 3, 3)
    assert plain.pack() == head + b"dyedye"  # as older firmware stored it
    assert len(FIELDS) == 27
