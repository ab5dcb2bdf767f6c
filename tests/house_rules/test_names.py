"""Units in names of quantities; planted names without one are refused."""

import pytest

from house_rules import names
from house_rules.tree import Source, python_sources


def test_quantities_in_signatures_and_fields_name_their_unit() -> None:
    found = [line for source in python_sources("firmware/", "host/") for line in names.violations(source)]
    assert not found, "\n".join(found)


WITHOUT = ["volume", "rate", "max_rate", "duration", "timeout", "poll_interval", "delay", "period", "time", "_rate", "uptime"]
WITH = ["volume_nl", "rate_nl", "timeout_ms", "uptime_ms", "interval_s", "rates", "timer", "separate", "period_s", "time_of"]


@pytest.mark.parametrize("name", WITHOUT)
def test_a_planted_quantity_without_unit_is_refused(name: str) -> None:
    assert len(names.violations(Source("x.py", f"def f({name}: int) -> int:\n    return 1\n"))) == 1
    assert len(names.violations(Source("x.py", f"def f(*, {name}=None):\n    pass\n"))) == 1
    assert len(names.violations(Source("x.py", f"class C:\n    def f(self, {name}: 'int | None') -> None:\n        pass\n"))) == 1
    assert len(names.violations(Source("x.py", f"class C:\n    {name}: int\n"))) == 1


@pytest.mark.parametrize("name", WITH)
def test_a_name_with_its_unit_passes(name: str) -> None:
    assert names.violations(Source("x.py", f"class C:\n    {name}: int\n    def f(self, {name}: int) -> None:\n        pass\n")) == []


def test_text_and_value_objects_carry_their_own_unit() -> None:
    assert names.violations(Source("x.py", "def f(rate: str, volume: 'str | None', timeout: Quantity) -> None:\n    pass\n")) == []
    assert names.violations(Source("x.py", "class C:\n    rate: str\n    volume: Quantity\n")) == []


@pytest.mark.parametrize("type_", ["int", "Fraction", "Decimal | None", "str | int", "Any", "None", "'float'", "Annotated[int, Option()]"])
def test_a_number_does_not_carry_its_unit(type_: str) -> None:
    assert len(names.violations(Source("x.py", f"def f(rate: {type_}) -> None:\n    pass\n"))) == 1
