"""The pack: host and chip read what the host wrote."""

import ast
import io
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.pump.rp2_modules import load
from thecal.deploy import pack
from thecal.deploy.build import LOOSE
from thecal.deploy.files import firmware_files
from thecal.deploy.units import CHIP, of_target
from thecal.files.resources import firmware_folder

FILE, FOLDER = 0x8000, 0x4000
reader = load("imports")


@given(st.dictionaries(st.from_regex(r"/[a-z]{1,40}(/[a-z]{1,20}){0,2}\.mpy", fullmatch=True), st.binary(max_size=3000), max_size=60))
def test_what_goes_into_the_pack_comes_out(modules):
    """Read by the host, and by the chip, which finds a module's folders and its first byte."""
    packed = pack.pack(modules)
    assert pack.unpack(packed) == modules
    reader.open = lambda path, mode: io.BytesIO(packed)
    on_chip, folders = reader.Pack(), {parent.as_posix() for path in modules for parent in PurePosixPath(path).parents}
    for _ in range(2):
        for path, data in modules.items():
            assert on_chip.stat(path)[0] == FILE and on_chip.open(path, "rb").read(len(data)) == data
            folder = path.rpartition("/")[0]
            assert not folder or on_chip.stat(folder)[0] == FOLDER
            assert on_chip.stat(path[:-4])[0] == (FOLDER if path[:-4] in folders else FILE)
            for missing in (path[:-4] + ".py", path + ".mpy"):
                with pytest.raises(OSError):
                    on_chip.stat(missing)
        with pytest.raises(OSError):
            on_chip.open("/no/such.mpy", "rb")
        on_chip.let_go()


def test_the_table_is_read_once_for_all_that_a_command_loads():
    """Opening the pack takes milliseconds; a command may load ten modules, each looked up three times and opened."""
    packed, opened = pack.pack({f"/{name}.mpy": name.encode() for name in "abc"}), []
    reader.open = lambda path, mode: opened.append(path) or io.BytesIO(packed)
    on_chip = reader.Pack()
    for name in "abc":
        assert on_chip.stat(f"/{name}")[0] != FOLDER
        with pytest.raises(OSError):
            on_chip.stat(f"/{name}.py")
        on_chip.stat(f"/{name}.mpy")
        assert on_chip.open(f"/{name}.mpy", "rb").read(1) == name.encode()
    assert len(opened) == 1 + 3, "the table, and each module"
    on_chip.let_go()
    on_chip.stat("/a.mpy")
    assert len(opened) == 5, "given back, it is read again"


def test_both_mean_the_same_file_and_what_opens_it_asks_for_nothing_that_is_inside():
    assert reader.PATH == pack.PATH
    sources = firmware_files(firmware_folder())
    lying = of_target(sources, CHIP)
    for path in LOOSE:
        nodes = [node for node in ast.walk(ast.parse(lying[path])) if isinstance(node, ast.ImportFrom)]
        assert {f"/{node.module.replace('.', '/')}.py" for node in nodes} & set(sources) <= set(LOOSE), path


@pytest.mark.parametrize("cut", [1, 100, -1])
def test_a_pack_that_is_not_whole_is_refused(cut):
    with pytest.raises(ValueError, match="pack"):
        pack.unpack(pack.pack({"/a.mpy": b"M" * 200})[:-cut] if cut > 0 else pack.pack({"/a.mpy": b"M"}) + b"more")
