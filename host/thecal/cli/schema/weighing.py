"""The `--json` documents of `thecal characterise`, a weighed run in the terms of IEC 60601-2-24, and of `thecal calibrate --rotor`."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

from pumpcore.wire import replies as of_pump
from thecal.cli.schema.of_replies import Shape, repeats


@repeats(of_pump.ROTOR)
class Rotor(Shape):
    """The table of the rotor in the pump (null: none), by which law it doses next, and where its first bin begins (null: unknown)."""

    table: dict[str, Any] | None


class LearnedRotor(BaseModel):
    """A learned table; errors of two minutes at 100 uL/h in percent. `bins_nl`: what each bin of a turn delivers, with one sigma."""

    model_config = ConfigDict(extra="allow")

    deviation_nl: int
    backflow_nl: int
    lag_s: float
    residual_mg: float
    plain_percent: float
    by_volume_percent: float
    bins_nl: list[float]
    bins_uncertainty_nl: list[float]


class VerifiedRotor(Shape):
    """Two turns against the stored table, with one sigma; `zero_set`: the pump has taken the phase."""

    gain: float
    gain_sigma: float
    phase_degrees: float
    phase_sigma_degrees: float
    residual_mg: float
    residual_sigma_mg: float
    zero_set: bool


class Weighed(Shape):
    """The conditions of a run; fractions are text like "4991/5"."""

    rate_nl: int
    rate_seconds_s: int
    calibration_volume_nl: int
    calibration_steps: int
    calibration_state: str
    density_mg_per_ml: str
    rollers: int
    steps_per_turn: int
    balance: str
    protocol: str
    pump: str
    begun_utc: str
    law: str


class Window(Shape):
    window_min: int
    ep_max_percent: float
    ep_min_percent: float
    windows: int


class WeighedPeriod(Shape):
    name: str
    from_min: float
    to_min: float
    mean_error_percent: float
    trumpet: list[Window]


class WindowLimit(Shape):
    """The error of a window from one step, and from one digit of the balance."""

    window_min: int
    one_step_percent: float
    one_digit_percent: float


class Motor(Shape):
    """The pump's part: its steps against the rate, and the volume per step against the calibration."""

    steps: int
    steps_percent: float
    step_nl: float
    calibration_percent: float


class Pulsation(Shape):
    """Swings in percent of the flow; `found_hz` is null if no line stands out."""

    roller_hz: float
    found_hz: float | None
    found_percent: float
    at_roller_percent: float
    floor_percent: float
    visible: bool


class Flow(Shape):
    at_min: list[float]
    ml_per_h: list[float]


class Characterise(Shape):
    """A weighed run, by IEC 60601-2-24; errors in percent of the set rate."""

    facts: Weighed
    calibrated: bool
    duration_min: float
    sample_s: float
    evaporation_ug_per_h: float
    evaporation_source: str
    digit_ug: int
    mean_error_percent: float
    periods: list[WeighedPeriod]
    limits: list[WindowLimit]
    motor: Motor | None
    pulsation: Pulsation | None
    flow: Flow
