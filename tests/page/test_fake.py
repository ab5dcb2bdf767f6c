"""The made-up answers have the shapes of the server, so that a page that works on the fake works on `thecal serve`."""

import pytest

from support.page import fixtures
from thecal.web import shapes


@pytest.mark.parametrize("pump", fixtures.bench(), ids=lambda pump: pump["name"])
def test_pumps(pump: fixtures.Json) -> None:
    shapes.PumpView.model_validate(pump)


@pytest.mark.parametrize("span", ["24h", "7d", "30d"])
def test_charts(span: str) -> None:
    chart = shapes.Chart.model_validate(fixtures.chart(span))
    assert len(chart.t) == len(chart.delivered_low_ml) <= 2000


def test_a_program() -> None:
    shapes.ProgramView.model_validate(fixtures.program())


@pytest.mark.parametrize("stage", fixtures.ALLOWED)
def test_the_wizard(stage: str) -> None:
    shapes.CalibrateView.model_validate(fixtures.wizard(stage))
