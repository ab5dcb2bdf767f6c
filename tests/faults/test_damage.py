"""One inverted bit of the flash at rest: nothing that a user can see changes, or an alarm reports it."""

import os
from collections import Counter

import pytest

from support.pump import rot
from support.pump.rot import Story
from support.pump.running import UnitPump

TORTURE = bool(os.environ.get("THECAL_TORTURE") or os.environ.get("THECAL_HYPOTHESIS") == "torture")
FLIPS = 500 if TORTURE else 40
EVERY_BYTES = 1 if TORTURE else 13  # of each stored file
SEED = 13


@pytest.fixture(scope="module")
def story() -> Story:
    return rot.story()


def outcomes(story: Story, images: object) -> Counter[str]:
    """Count the outcomes. Every silent change fails the test, with its differences."""
    right, found, silent = rot.seen(story.image, story), Counter(), []
    for where, image in images:
        verdict, differing = rot.judge(right, image, story)
        found[verdict] += 1
        silent += [(where, differing)] if verdict == "silent" else []
    assert not silent, silent[:10]
    return found


def told(found: Counter[str]) -> str:
    return ", ".join(f"{count} {verdict}" for verdict, count in sorted(found.items()))


@pytest.mark.rule("R6")
@pytest.mark.parametrize("kind", ["metadata", "newest images", "journal", "elsewhere"])
def test_a_flipped_bit_of_the_flash_is_told_or_changes_nothing(kind: str, story: Story, record_property: object) -> None:
    places = rot.trials(story.image, kind, FLIPS, SEED)
    found = outcomes(story, (((at, bit), rot.flipped(story.image, at, bit)) for at, bit in places))
    record_property("figure", f"{FLIPS} single bits flipped in {kind}: {told(found)}, 0 silent")
    assert sum(found.values()) == FLIPS


@pytest.mark.rule("R6")
@pytest.mark.parametrize("folder", ["/store", "/marks", "/ledger"])
@pytest.mark.long
def test_a_flipped_bit_of_every_stored_file_is_told_or_changes_nothing(folder: str, story: Story, record_property: object) -> None:
    found = outcomes(story, rotten_files(story, folder))
    record_property("figure", f"one bit of each {EVERY_BYTES} bytes of every file in {folder}: {told(found)}, 0 silent")
    assert found["alarmed"] > 0


def rotten_files(story: Story, folder: str) -> object:
    pump = UnitPump(story.image, story.utc_s)
    names = pump.board.flash.names(folder)
    for name in names:
        flash = rot.files(story.image)
        data = flash.read(f"{folder}/{name}")
        for at in range(0, len(data), EVERY_BYTES):
            yield (f"{folder}/{name}", at), rot.with_file(story.image, f"{folder}/{name}", rot.flipped(data, at, at % 8))


@pytest.mark.rule("R6")
def test_a_removed_file_is_told_or_changes_nothing(story: Story) -> None:
    removed = []
    for folder in ("/store", "/marks", "/ledger"):
        for name in rot.files(story.image).names(folder):
            removed.append((f"{folder}/{name}", rot.with_file(story.image, f"{folder}/{name}", None)))
    assert outcomes(story, removed)["alarmed"] > 0


def test_what_was_flipped_can_be_seen_at_all(story: Story) -> None:
    """The campaign must be able to fail: another program, another position or a lost record is a difference."""
    right = rot.seen(story.image, story)
    assert rot.seen(story.image, story) == right
    assert right["therapy"]["demands_in_day"] == 3 and right["delivered_steps"] > 100_000 and len(right["boluses"]) == 4
