"""Output of a verb to a closed pipe, a full disk or a folder: reported, and nothing hangs."""

import os
import threading
from pathlib import Path

import pytest

from thecal.errors import BadInput, Failed
from thecal.terminal.output_files import check_free, write

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")


def test_a_pipe_that_nobody_reads_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    check_free([pipe], force=True)
    said: list[BaseException] = []

    def job() -> None:
        try:
            write("text", pipe)
        except Failed as error:
            said.append(error)

    thread = threading.Thread(target=job, daemon=True)
    thread.start()
    thread.join(5)
    assert not thread.is_alive() and "no program reads from it" in str(said[0])


def test_a_pipe_with_a_reader_gets_all_of_it(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write("text", pipe)
    assert os.read(reader, 100) == b"text"
    os.close(reader)


def test_a_folder_and_a_full_disk_are_said(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="is a folder"):
        check_free([tmp_path], force=True)
    if Path("/dev/full").exists():
        with pytest.raises(Failed, match="No space left"):
            write("text", Path("/dev/full"))
