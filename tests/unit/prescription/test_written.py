"""A program written as a prescription again: it compiles to the same bytes."""

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpcore.program.plan import Program
from thecal.files.resources import CHECKOUT, DATA
from thecal.prescription import library
from thecal.prescription.compiler import compile_prescription
from thecal.prescription.file import load, load_text
from thecal.prescription.written import written

FILES = sorted([*(CHECKOUT / "host" / "examples").glob("*.toml"), DATA / "new.toml", DATA / "example-day.toml"])
RICH = """
title = 'A "quoted" title'
drug = "dye in water"
concentration = "500 ug/mL"
on_clock_loss = "lowest"
after_power_loss = "resume"
[[basal.entry]]
days = ["mon", "thu"]
at = "06:00"
rate = "120 ug/day"
[[basal.entry]]
days = "daily"
at = "22:30"
rate = "5 uL/h"
[limits]
max_rate = "2 mL/h"
max_per_day = "3.5 mL"
[demand]
dose = "20 uL"
duration = "90 s"
lockout = "30 min"
per_day = 6
[bolus]
max_dose = "0.1 mL"
[line]
tubing = "0 uL"
catheter = "339 uL"
measured = 2026-01-31
[reservoir]
capacity = "20 mL"
low = "2 mL"
empty = "0.5 mL"
tolerance = "0.3 mL"
tolerance_percent = 2.5
[library]
name = "bench fluids"
version = 1
overrides = ["rate"]
"""
LOOPS = """
title = "loops"
drug = "water"
[protocol]
start = "at 06:30"
then = "stop"
[[protocol.stage]]
volume = "1 mL"
for = "7 h"
[[protocol.loop]]
times = 3
[[protocol.loop.stage]]
rate = "1 mL/h"
for = "90 s"
[[protocol.loop.stage]]
pause = "10 min"
[[protocol.stage]]
ramp = ["0 mL/h", "2 mL/h"]
for = "1 h"
"""


def compiled(text: str):
    return compile_prescription(library.applied(load_text(text, "x"), None, "x"), "x")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_an_example_is_the_same_program_again(file: Path) -> None:
    before = compile_prescription(library.applied(load(file), None, str(file)), str(file))
    assert compiled(written(before.program)).packed == before.packed


@pytest.mark.parametrize("text", [RICH, LOOPS], ids=["every table", "loops"])
def test_every_table_comes_back(text: str) -> None:
    before = compiled(text)
    assert compiled(written(before.program)).packed == before.packed


@given(st.integers(1, 10**9), st.sampled_from([1, 60, 3600, 86_400, 90_000]))
def test_a_rate_comes_back_as_the_same_fraction_or_says_that_it_is_rounded(rate_nl: int, seconds_s: int) -> None:
    text = written(Program("x", "water", seconds_s, [(0, rate_nl)]))
    after = compiled(text).program
    same = Fraction(after.entries[0][1], after.rate_seconds_s) == Fraction(rate_nl, seconds_s)
    assert same or "# rounded" in text
