"""No test uses more than one private attribute; planted ones are refused."""

import pytest

from house_rules import private
from house_rules.tree import Source


def test_no_test_reaches_for_more_than_one_private_attribute() -> None:
    found = private.violations()
    assert not found, "\n".join(found)


def planted(code: str) -> list[str]:
    return private.file_violations(Source("tests/unit/test_x.py", code))


@pytest.mark.parametrize(
    "body",
    [
        "assert pump._a == pump._b",
        "assert pump.session._lines[0] and pump.journal._bytes",
        "assert pump._a\n    def look():\n        return pump._b",
        "pump._call()._handlers.clear()",
        "assert pump._rings['events']._bytes == 0",
        "monkeypatch.setattr(pump, '_a', 1); monkeypatch.setattr(pump, '_b', 2)",
        "monkeypatch.setattr('thecal.pump.client._a', 1); pump._b()",
        "assert getattr(pump, '_a') + pump._b",
    ],
)
def test_more_than_one_is_refused(body: str) -> None:
    assert planted(f"def test_x(pump, monkeypatch):\n    {body}\n")


@pytest.mark.parametrize(
    "body",
    [
        "assert self._a + self._b._c",
        "assert pump._a == pump._a + 1",
        "super()._a(); super()._b()",
        "os._exit(pump._a)",
        "_, __, x = pump.a.__class__, pump.__dict__, pump._a",
        "monkeypatch.setattr(pump, '_a', pump._a)",
        "text = '_a _b'; print('_c')",
    ],
)
def test_one_and_what_is_ones_own_pass(body: str) -> None:
    assert planted(f"class Test:\n    def test_x(self, pump, monkeypatch):\n        {body}\n") == []


def test_each_function_is_counted_by_itself() -> None:
    assert planted("def test_x(pump):\n    pump._a()\n\ndef test_y(pump):\n    pump._b()\n") == []
