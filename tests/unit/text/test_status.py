"""What `thecal status` and `thecal stop` say: doses in mass first, volumes in mL or uL, time left, what comes next."""

from fractions import Fraction
from typing import Any

import pytest

from pumpcore.program.plan import SCHEDULE, Program
from pumpcore.program.protocol import AFTER, Protocol
from support.programs import constant
from support.protocols import program
from support.pump.running import UnitPump, again, ready, running
from thecal.quantities.measured import volume
from thecal.text.status import Beside, ceilings_text, delivered_text, rate_text, rows, step_rows, volumes
from thecal.text.stopped import Ended, Outcome, ended, left

CEILINGS = {"hour_nl": 5_000_000, "day_nl": 40_000_000}


def told(pump: UnitPump) -> dict[str, Any]:
    status: dict[str, Any] = pump.call("status")
    return status


def day() -> Program:
    entries = [(one * 1440 + minute, rate) for one in range(7) for minute, rate in ((360, 10_000), (1080, 5_000))]
    made = Program("two rates", "dye", 3600, entries)
    made.mode = SCHEDULE
    made.concentration = (500, 1000)
    made.on_clock_loss = "lowest"
    return made


def test_doses_are_in_mass_first_and_the_next_rate_is_named() -> None:
    pump = running(day())
    pump.call("stop")
    pump.call("clock.set", utc_s=1_767_600_000, offset_s=0)
    pump.call("start")
    pump.advance(1)
    found = dict(rows(told(pump), Beside(day(), CEILINGS)))
    assert found["delivers"] == "120 ug/day = 0.01 mL/h"
    assert found["next"].startswith("60 ug/day = 0.005 mL/h at 18:00, in ")
    assert not {"leased", "ordered", "uncertain", "pair"} & set(found) and "guard" not in str(found)
    assert {"leased", "ordered", "uncertain", "pair"} <= {label for label, _ in rows(told(pump), Beside(day()), steps=True)}


def test_a_bolus_shows_what_is_made_and_what_time_is_left() -> None:
    pump = running(constant(900_000))
    pump.order(500_000, 3_600_000)
    pump.advance(251)
    text = dict(rows(told(pump)))["bolus"]
    assert text.startswith("delivering, 0.2") and " of 0.5 mL, 4 min left (token " in text
    pump.call("stop")
    status = told(pump)
    run = ended(Journaled(pump), status)  # type: ignore[arg-type]
    assert run is not None and left(status, run)[0].endswith(" of 0.5 mL of the bolus")
    pump.call("start")
    pump.advance(20)
    pump.call("stop")
    status = told(pump)
    run = ended(Journaled(pump), status)  # type: ignore[arg-type]
    assert status["bolus"] and run is not None and left(status, run) == [], "the bolus was cut in the run before"


def test_a_temporary_rate_leaves_the_rest_of_the_stages_unsaid() -> None:
    waits = Protocol([(3600, 1_000_000, 1_000_000)])
    waits.start, waits.start_value = AFTER, 7200
    pump = running(program(waits))
    pump.advance(60)
    pump.call("stop")
    assert Outcome(told(pump), of(pump), program(waits)).text().endswith("not delivered: 1 of 1 mL of the protocol")
    pump.call("start")
    pump.call("temporary.start", token=pump.token(), rate_nl=100_000, numerator=0, denominator=0, duration_s=600)
    pump.advance(120)
    pump.call("stop")
    run = of(pump)
    assert run is not None and run.steps > 0
    assert "protocol" not in Outcome(told(pump), run, program(waits)).text()


def test_a_run_goes_on_after_a_power_cut() -> None:
    two = Protocol([(3600, 1_000_000, 1_000_000)])
    made = program(two)
    made.after_power_loss = "resume"
    pump = running(made)
    pump.advance(1200)
    cut = again(pump, 60)
    assert cut.state() == "running"
    cut.advance(600)
    cut.call("stop")
    run = of(cut)
    assert run is not None and run.lasted_s is None and run.steps == told(cut)["delivered_steps"]
    text = Outcome(told(cut), run, made).text()
    assert "not delivered: 0.4" in text or "not delivered: 0.5" in text, text


def of(pump: UnitPump) -> Ended | None:
    return ended(Journaled(pump), told(pump))  # type: ignore[arg-type]


class Journaled:
    """What a client gives of a pump's journal."""

    def __init__(self, pump: UnitPump) -> None:
        self.pump = pump

    def journal(self, ring: str, first: int) -> list[tuple[None, list[Any]]]:
        return [(None, [one for one in self.pump.journal(ring) if one.sequence >= first])]


@pytest.mark.parametrize(
    ("supply_mv", "high_mv", "text"),
    [
        (12_040, 14_000, "12.0 V (too high from 14.0 V)"),
        (12_040, None, "12.0 V (no upper limit: supply_high_mv in the bench file)"),
        (None, None, None),
    ],
)
def test_the_supply_is_shown_with_its_upper_limit_or_that_nobody_watches_it(
    supply_mv: int | None, high_mv: int | None, text: str | None
) -> None:
    status = told(running())
    older = {name: value for name, value in status.items() if name != "motor_supply_high_mv"}
    found = rows({**status, "motor_supply_mv": supply_mv, "motor_supply_high_mv": high_mv})
    assert dict(found).get("motor supply") == text
    if supply_mv is not None and high_mv is None:
        assert dict(rows({**older, "motor_supply_mv": supply_mv}))["motor supply"] == text


def test_a_stop_says_what_this_run_delivered() -> None:
    pump = running(constant(3_600_000))
    pump.advance(1800)
    pump.call("stop")
    pump.call("start")
    pump.advance(600)
    pump.call("stop")
    status = told(pump)
    run = ended(Journaled(pump), status)  # type: ignore[arg-type]
    assert run is not None and run.lasted_s is not None and abs(run.lasted_s - 600) <= 1
    assert run.steps == status["delivered_steps"] - pump.records("stopped")[0]["delivered_steps"]
    assert Outcome(status, run).text() == f"this run delivered {volume(Fraction(run.steps * 1_000_003, 99_991))} in 10 min"
    pump.advance(60)
    assert ended(Journaled(pump), told(pump)) is None, "a second stop ended nothing"  # type: ignore[arg-type]


def test_the_ceilings_are_those_that_bind() -> None:
    status = {"hour_nl": 250_000, "day_nl": 3_000_000}
    assert ceilings_text(status, Beside()) == "0.25 mL in an hour, 3 mL in 24 h"
    assert ceilings_text(status, Beside(None, CEILINGS)) == "0.25 of 5 mL in an hour, 3 of 40 mL in 24 h"
    tight = constant(1)
    tight.day_nl = 10_000_000
    assert ceilings_text(status, Beside(tight, CEILINGS)) == "0.25 of 5 mL in an hour, 3 of 10 mL in 24 h"


@pytest.mark.parametrize(("runs", "text"), [(3, "0.852 +- 0.004 mL in all"), (1, "0.852 mL in all"), (0, "0.852 mL in all")])
def test_the_scatter_of_the_calibration_is_in_the_total(runs: int, text: str) -> None:
    pair = {"volume_nl": 10, "steps": 1, "state": "CALIBRATED", "scatter_ppm": 4_000, "runs": runs}
    status = {"delivered_steps": 85_200, "uncertain_steps": 0, "calibration": pair}
    assert delivered_text(status) == text
    assert delivered_text({**status, "uncertain_steps": 200}) == f"{text}, 2 uL of it uncertain after power cuts"
    parts = volumes(status)
    assert parts is not None and (parts["volume_nl"], parts["uncertain_nl"]) == (852_000, 0)
    assert (parts["scatter_nl"], parts["mean_nl"]) == ((3408, 1968) if runs == 3 else (None, None))
    assert volumes({**status, "calibration": None}) is None and delivered_text({**status, "calibration": None}) == "85200 steps"


def test_a_pump_without_a_bench_has_only_steps() -> None:
    pump = ready()
    status = {**told(pump), "calibration": None}
    counts = ["delivered", "ordered", "uncertain", "motor", "leased"]
    assert rate_text(status) == "0 mL/h" and [label for label, _ in step_rows(status)] == counts


def test_a_stop_says_the_mass_first_while_the_line_holds_one_content() -> None:
    made = constant(100_000)
    made.concentration = (500, 1000)
    status = {"calibration": {"volume_nl": 1_000_000, "steps": 100_000}, "state": "stopped"}
    assert Outcome(status, Ended(4_000, 60), made).text().startswith("this run delivered 20 ug = ")
    mixed = {**status, "therapy": {"line": {"phase": "old"}}}
    assert "ug" not in Outcome(mixed, Ended(4_000, 60), made).text()
    assert "ug" not in Outcome(status, Ended(4_000, 60), constant(100_000)).text()
