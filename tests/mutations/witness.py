"""A pytest plugin for the run of a mutation: it writes each test's exception, its rules, and where our modules came from."""

import json
import os
import sys
import time
from collections.abc import Iterator

import pytest

OURS = ("pumpcore", "app", "thecal")
_tests: dict[str, dict] = {}
_begun_s: dict[str, float] = {}


def pytest_runtest_logstart(nodeid: str) -> None:
    _begun_s[nodeid] = time.process_time()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo) -> Iterator[None]:
    report = yield
    rules = [mark.args[0] for mark in item.iter_markers("rule")]
    row = _tests.setdefault(item.nodeid, {"rules": rules, "died_of": "", "when": "", "said": "", "cpu_s": 0.0})
    row["cpu_s"] = time.process_time() - _begun_s[item.nodeid]
    if call.excinfo is not None and not row["died_of"]:
        row.update(died_of=_kind(call.excinfo.value), when=call.when, said=str(call.excinfo.value)[:300])
    return report


def _kind(error: BaseException) -> str:
    """Return the name of the exception; of a group (Hypothesis, several failures at once) that of its members if they agree."""
    if isinstance(error, BaseExceptionGroup):
        kinds = {_kind(member) for member in error.exceptions}
        return kinds.pop() if len(kinds) == 1 else "ExceptionGroup"
    return type(error).__name__


def pytest_sessionfinish(session: pytest.Session) -> None:
    ours = {name: module for name, module in sys.modules.items() if name.split(".")[0] in OURS}
    files = {name: module.__file__ for name, module in ours.items() if module.__file__}
    with open(os.environ["MUTATION_REPORT"], "w", encoding="utf-8") as file:
        json.dump({"tests": _tests, "files": files}, file)
