"""What the page asks and gets, as pydantic shapes: they make the OpenAPI document, and they check every request."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

LONGEST_TEXT = 200
LONGEST_FILE = 200_000
Typed = Annotated[str, Field(max_length=LONGEST_TEXT)]
Kind = Literal["run", "bolus", "start", "program", "temporary", "prime", "ack", "refill", "restore"]
Span = Literal["24h", "7d", "30d"]
Keys = Literal["none", "set", "damaged"]


class Shape(BaseModel):
    """The root of all shapes: an unknown key is an error, not ignored."""

    model_config = ConfigDict(extra="forbid")


class Trouble(Shape):
    """`kind` is one word for programs; `text` says what happened; `do` is the remedy."""

    kind: str
    text: str
    do: str = ""


class Failure(Shape):
    """Every answer with a status of 400 or more."""

    error: Trouble


# --- pumps


class Today(Shape):
    """The volume since the pump's local midnight. `ml` is null if it is not known; then `text` says why. `least_ml` is lower than `ml`
    if steps are uncertain after a power cut."""

    ml: float | None
    plus_minus_ml: float | None
    text: str
    least_ml: float | None = None


class Reservoir(Shape):
    """The volume left in the reservoir, as the pump counts it; null if no refill was reported."""

    left_ml: float | None
    capacity_ml: float | None
    text: str


class Alarm(Shape):
    """An active alarm or warning."""

    fault: int
    name: str
    text: str
    do: str
    severity: Literal["alarm", "warning"] = "alarm"


class Active(Shape):
    """The active program."""

    name: str
    digest: str


class Running(Shape):
    """An order that goes on; `token` cancels it."""

    token: str
    kind: Literal["bolus", "extended", "temporary"]
    text: str


class PumpView(Shape):
    """A pump, as the page shows it. `state` is the word of the wire, "" before the first answer. `online` is false while the pump does
    not answer: the other values are then those of `asof_utc_s`, and `error` says why."""

    id: str
    name: str
    port: str
    unique_id: str
    state: str
    state_text: str
    rate_text: str
    next_text: str
    next_change_s: int | None
    delivered_today: Today
    reservoir: Reservoir | None
    alarms: list[Alarm]
    program: Active | None
    orders: list[Running]
    online: bool
    error: Trouble | None
    law_text: str
    keys: Keys
    asof_utc_s: int


class AlarmEvent(Shape):
    """`event: alarm`: an alarm or warning began (`active`) or ended."""

    id: str
    name: str
    active: bool
    alarm: Alarm


class Stopped(Shape):
    """The answer of the pump to STOP. `delivered_text` is empty if the pump was stopped already or the count is not known yet."""

    state: str
    delivered_text: str


# --- two steps: a review, then its confirmation


class Ask(Shape):
    """An order to be reviewed. Quantities are typed text with a unit, as at the command line; each kind reads its own fields:
    `run`: two of rate, volume, duration; drug, concentration. `bolus`: volume, and rate or over (extended); neither: the demand bolus.
    `start`: none. `program`: prescription (TOML). `temporary`: percent or rate, and duration. `prime`: rate, again.
    `ack`: fault. `refill`: measured, filled. `restore`: none, brings back the program that the last run replaced.
    `measured` was found in the reservoir, `filled` was filled in after that. `overrides`: soft limits of the drug library that the user
    confirmed, by their words; without them an order beyond one is refused with the kind `soft_limit`. `library`: the TOML of a drug
    library, as `thecal program --library` takes it."""

    kind: Kind
    rate: Typed | None = None
    duration: Typed | None = None
    volume: Typed | None = None
    over: Typed | None = None
    drug: Typed | None = None
    concentration: Typed | None = None
    percent: Typed | None = None
    measured: Typed | None = None
    filled: Typed | None = None
    again: bool = False
    fault: int | None = Field(None, ge=0, le=0xFFFF)
    overrides: list[Typed] = Field([], max_length=20)
    file_name: Typed = "prescription.toml"
    prescription: str | None = Field(None, max_length=LONGEST_FILE)
    library_name: Typed = "library.toml"
    library: str | None = Field(None, max_length=LONGEST_FILE)


class ReviewPart(Shape):
    """A part of a review: `lines` of text, `columns` of label and text, or `headed` by its first row."""

    kind: Literal["lines", "columns", "headed"]
    rows: list[list[str]]


class ReviewView(Shape):
    """What will be sent if it is confirmed. `parts` are its tables, as the command line prints them; `rows` are those of all parts.
    Nothing was sent. It is void after `expires_s`, after its use, and when the pump's state changed."""

    review: str
    kind: Kind
    question: str
    rows: list[list[str]]
    parts: list[ReviewPart]
    text: str
    digest: str | None
    expires_s: int


class Confirm(Shape):
    """The yes to a review."""

    review: Annotated[str, Field(min_length=1, max_length=64)]


class Confirmed(Shape):
    """The pump's answer, and `text` in words. `digest`: of the active program, as the pump read it back and the server compared it."""

    reply: dict[str, Any]
    digest: str | None
    text: str


class Cancel(Shape):
    """End an order by its token."""

    token: Annotated[str, Field(pattern="^[0-9a-f]{1,64}$")]


# --- looking back, looking at the program


class Event(Shape):
    """Something that happened, on the chart's time axis."""

    t: int
    kind: str
    text: str


class Chart(Shape):
    """Columns of equal length for a plot, at most 2,000 points. Volumes count from the left edge. `delivered_low_ml` excludes steps that
    are uncertain after power cuts. `complete` is false while older blocks of the journal are on their way: ask again.
    `time_known` false: the pump never knew the time, and `t` counts from its first power-up."""

    t: list[int]
    planned_ml: list[float]
    delivered_ml: list[float]
    delivered_low_ml: list[float]
    rate_planned_ml_per_h: list[float]
    rate_ml_per_h: list[float]
    events: list[Event]
    from_utc_s: int
    to_utc_s: int
    offset_s: int
    complete: bool
    done_permille: int
    time_known: bool


class Part(Shape):
    """A part of a day at one rate."""

    from_s: int
    to_s: int
    rate_ml_per_h: float


class ProgramView(Shape):
    """The active program: as TOML, as the rows that a review shows, and its present day (seconds of the local day)."""

    name: str
    digest: str
    toml: str
    rows: list[list[str]]
    day: list[Part]
    day_text: str


# --- the calibration wizard

Step = Literal["plan", "prime", "run", "mass", "store", "leave"]
Stage = Literal["idle", "planned", "priming", "running", "weigh", "fitted", "stored", "failed"]


class Calibrate(Shape):
    """A step of the wizard. `plan` starts it with typed values and returns its `wizard`; the other steps name that.
    `prime` fills the line; `run` moves the motor for the next run; `mass` takes its weight ("1.0023 g", and the `tare` of the vessel);
    `store` writes the fitted calibration; `leave` ends it and changes nothing."""

    step: Step
    wizard: Typed | None = None
    tube: Typed = ""
    lot: Typed = ""
    turns: int = Field(20, ge=1, le=100_000)
    rate: Typed = "2 mL/h"
    prime: Typed = ""
    runs: int = Field(3, ge=1, le=100)
    density: Typed = ""
    temperature: Typed = "20 C"
    buoyancy: bool = False
    for_volume: Typed = "500 mL"
    for_days: int = Field(90, ge=0, le=100_000)
    mass: Typed | None = None
    tare: Typed = "0 g"
    accept_scatter: bool = False


class CalibrateView(Shape):
    """Where the wizard is. `rows`: the plan, the runs so far, or old and new calibration; `allowed`: the steps that can follow."""

    wizard: str
    stage: Stage
    text: str
    rows: list[list[str]]
    run: int
    runs: int
    done_permille: int
    allowed: list[Step]
    error: Trouble | None
    calibration_text: str


# --- who is there


class Session(Shape):
    """`roles`: for each pump with keys, the role of this login, "" for none. `login_needed`: nothing but /login answers without one."""

    logged_in: bool
    login_needed: bool
    roles: dict[str, Literal["", "look", "operate", "program"]]
    version: str
