"""Power cuts at flash operations, whole and torn, on the real littlefs; wear; the record of operations."""

import pytest

from support.rig.benches import named
from support.rig.small_firmware import ask, image, pump
from thecal.files.resources import firmware_folder
from thecal.sim.errors import PowerCut, SimulatorError, WasiError
from thecal.sim.guest.filesystem import APPEND, CREATE, WRITE_ONLY, FileSystem
from thecal.sim.guest.flash import BLOCK_BYTES, BLOCKS, IMAGE_BYTES, SIMULATED_BLOCKS, FlashChip
from thecal.sim.guest.image import build, format_image, grown, read_file

OLD, NEW = b"old " * 500, b"new " * 700


def chip_with_old_file():
    return FlashChip(format_image({"/file": OLD}))


def rewrite(chip):
    flash = FileSystem(chip)
    flash.mount()
    flash.write_file("/file", NEW)


def operations_of_a_rewrite():
    chip = chip_with_old_file()
    rewrite(chip)
    return chip.operations


@pytest.mark.parametrize("torn", [False, True])
def test_a_file_is_old_or_new_after_a_cut_at_every_operation(torn):
    count, found = operations_of_a_rewrite(), []
    for operation in range(1, count + 1):
        chip = chip_with_old_file()
        chip.cut_at(operation, torn)
        with pytest.raises(PowerCut):
            rewrite(chip)
        assert chip.operations == operation
        found.append(read_file(bytes(chip.buffer), "/file"))
    assert set(found) <= {OLD, NEW}
    assert found[0] == OLD
    assert torn or found[-1] == NEW  # half of the last page may contain the whole commit, or not


def test_a_torn_erase_and_a_torn_program_do_half_of_it():
    chip = FlashChip(bytes(IMAGE_BYTES))
    chip.cut_at(1, torn=True)
    assert chip.erase(None, 0) < 0
    assert bytes(chip.buffer[:BLOCK_BYTES]) == b"\xff" * 2048 + bytes(2048)
    chip.restore()
    chip.cut_at(2, torn=True)
    assert chip.prog(None, 1, 0, b"\x55" * 256) < 0
    assert bytes(chip.buffer[BLOCK_BYTES : BLOCK_BYTES + 256]) == b"\x55" * 128 + bytes(128)


def test_nothing_reaches_a_flash_without_power():
    chip = chip_with_old_file()
    before = bytes(chip.buffer)
    chip.die()
    with pytest.raises(PowerCut):
        rewrite(chip)
    assert bytes(chip.buffer) == before


def test_the_recorded_moments_are_the_images_that_real_cuts_leave():
    chip = FlashChip(chip_with_old_file().buffer, record=True)
    rewrite(chip)
    moments = list(chip.moments())
    assert len(moments) == 2 * chip.operations + 1
    for moment in moments[1:]:
        cut = chip_with_old_file()
        cut.cut_at(moment.operations + moment.torn, moment.torn)
        with pytest.raises(PowerCut):
            rewrite(cut)
        assert bytes(cut.buffer) == moment.image


def test_wear_is_counted_per_block():
    chip = chip_with_old_file()
    rewrite(chip)
    wear = chip.wear()
    assert wear["erases_total"] == sum(wear["erases"]) > 0
    assert wear["pages_total"] >= len(NEW) // 256


def test_an_empty_flash_is_not_formatted_as_a_side_effect():
    chip = FlashChip(b"\xff" * IMAGE_BYTES)
    with pytest.raises(WasiError):
        FileSystem(chip).mount()
    assert chip.operations == 0


def test_what_was_not_flushed_is_lost_at_a_cut_and_what_was_is_there():
    with pump() as sim:
        ask(sim, "!global f; f = b.flash.append('/log')")
        ask(sim, "!f.write(b'kept'); f.flush()")
        ask(sim, "!f.write(b'lost')")
        sim.cut_power()
        sim.restore_power()
        assert ask(sim, "b.flash.read('/log')") == "kept"


@pytest.mark.parametrize("torn", [False, True])
def test_a_cut_at_a_flash_operation_ends_the_power_up_there(torn):
    with pump() as sim:
        ask(sim, "!b.flash.write('/x', b'1' * 3000)")
        at = sim.flash_ops() + 2
        sim.cut_power(at_flash_op=at, torn=torn)
        sim.write(b"!b.flash.write('/x', b'2' * 3000)\n")
        sim.wait_until_idle()
        assert (sim.power_is_on(), sim.flash_ops()) == (False, at)
        sim.restore_power()
        assert ask(sim, "b.flash.read('/x')[:1]") == "1"


def test_the_record_of_a_pump_carries_time_and_true_steps():
    with pump(record_flash=True) as sim:
        ask(sim, "!b.guard.allow(100); b.stepper.enable(True); b.stepper.queue(100, 1_000_000)")
        sim.advance(600)
        ask(sim, "!b.flash.write('/x', b'1')")
        moments = list(sim.images_after_each_operation())
        assert moments[-1].image == sim.flash_image()
        assert (moments[-1].now_ms, moments[-1].plant_steps) == (600, sim.plant_steps())


def test_flash_time_is_spent_when_asked_for():
    with pump(flash_time="worst") as sim:
        before_ms = sim.now_ms()
        ask(sim, "!b.flash.write('/x', b'1' * 3000)")
        assert sim.now_ms() - before_ms > 400
    with pytest.raises(SimulatorError, match="typical"):
        pump(flash_time="fast")


def test_a_pump_boots_from_the_image_of_another():
    with pump() as first:
        ask(first, "!b.flash.write('/note', b'hello')")
        kept = first.flash_image()
    with pump(image=kept) as second:
        assert ask(second, "b.flash.read('/note')") == "hello"
    assert image() != kept


def fill_journal(flash):
    """Fill both rings, every record synced, and one segment more: the new one comes before the oldest goes."""
    record, segments = b"r" * 53, 32 + 4 + 1
    if "journal" not in [name for name, _ in flash.entries("/")]:
        flash.make_folder("/journal")
    for number in range(segments):
        handle = flash.open(f"/journal/e{number:08x}", WRITE_ONLY | CREATE | APPEND)
        for _ in range(16_384 // len(record)):
            flash.write(handle, record)
        flash.sync(handle)
        flash.close(handle)


def test_the_flash_of_a_simulated_pump_has_room_for_a_whole_journal():
    image = build(firmware_folder(), named())
    flash = FileSystem(FlashChip(image))
    flash.mount()
    fill_journal(flash)
    assert flash.free_bytes() > 65_536


def test_an_image_with_the_blocks_of_a_board_is_grown_and_keeps_its_files():
    older = format_image({"/file": OLD})
    assert len(older) == IMAGE_BYTES
    flash = FileSystem(FlashChip(grown(older)))
    flash.mount()
    before = FileSystem(FlashChip(older))
    before.mount()
    assert flash.read_file("/file") == OLD
    assert flash.free_bytes() - before.free_bytes() == (SIMULATED_BLOCKS - BLOCKS) * BLOCK_BYTES
    assert grown(grown(older)) == grown(older)


def test_an_image_without_a_file_system_is_left_as_it_is():
    erased = b"\xff" * IMAGE_BYTES
    assert grown(erased) == erased
