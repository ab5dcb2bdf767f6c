"""The processes beside the server: they return what they made, raise what it raised, and one that dies is replaced."""

import os
from collections.abc import Iterator

import pytest

from thecal.errors import BadInput, Failed
from thecal.web.worker import Worker


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    made = Worker()
    yield made
    made.close()


def refuse() -> None:
    raise BadInput("cause", "do")


def die_once(mark: str) -> int:
    """Die the first time, as a process does that the system ends for its memory."""
    if not os.path.exists(mark):
        with open(mark, "w"):
            os._exit(9)
    return os.getpid()


def test_it_computes_in_another_process_of_lower_priority(worker: Worker) -> None:
    assert worker.run(os.getpid) != os.getpid() == Worker(inline=True).run(os.getpid)
    assert worker.run(os.nice, 0) > os.nice(0)


def test_it_raises_what_the_work_raised(worker: Worker) -> None:
    with pytest.raises(BadInput) as error:
        worker.run(refuse)
    assert (error.value.cause, error.value.do) == ("cause", "do")


def test_a_process_that_dies_is_replaced(worker: Worker, tmp_path: object) -> None:
    assert worker.run(die_once, f"{tmp_path}/mark") != os.getpid()
    with pytest.raises(Failed):
        worker.run(os._exit, 9)
    assert worker.run(os.getpid) != os.getpid()
