"""The `--json` documents, verb by verb. `thecal schema VERB` prints them as JSON Schema.

A quantity has its unit in its name. A rate is `_rate_nl` nanolitres per `rate_seconds_s` seconds. A later version may add keys, and
changes none.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel, TypeAdapter

from thecal.schema import therapy as of_therapy
from thecal.schema.therapy import Clock, Shape, Temporary, Therapy, Unsent
from thecal.schema.weighing import Characterise


class Calibration(Shape):
    """`steps` steps deliver `volume_nl`. It expires at `expires_utc_s` or after `expires_nl` (0 = never); `expired` gives the reason."""

    volume_nl: int
    steps: int
    state: str
    id: str | None = None
    weighed_utc_s: int | None = None
    expires_utc_s: int | None = None
    expires_nl: int | None = None
    delivered_nl: int | None = Field(None, description="since it was stored")
    expired: str | None = None


class Ceilings(Shape):
    """The ceilings of the bench: `rate_nl` per `rate_seconds_s`, volumes per rolling hour and 24 hours, and the motor's."""

    rate_nl: int
    rate_seconds_s: int
    hour_nl: int
    day_nl: int
    max_rate_hz: int
    start_rate_hz: int
    acceleration_hz_per_s: int


class Implementation(Shape):
    name: str
    version: list[int]
    machine: str
    mpy: int


class Hello(Shape):
    """The pump's identity and versions."""

    thecal: str
    protocol: list[int]
    firmware: str
    release: str
    implementation: Implementation
    unique_id: str
    journal_identity: str | None = None
    bench: str
    program_digest: str
    calibration_state: str
    calibration_id: str | None = None
    calibration_expires_utc_s: int | None = None
    calibration_expires_nl: int | None = None
    ceilings: Ceilings | None = None
    capabilities: list[str]


class Error(Shape):
    """The error of a failed command, on stdout too. `code`, `fault`: from a pump; `kind`, `raw` (its line): from a balance."""

    error: str
    cause: str
    do: str
    exit_code: Literal[1, 2, 3, 4, 5]
    code: int | None = None
    fault: str | None = None
    kind: str | None = None
    raw: str | None = None


class Found(Shape):
    """One port; `hello` if a pump answered, otherwise `error`."""

    port_url: str
    origin: Literal["named", "usb", "simulator"]
    usb_serial: str
    hello: Hello | None = None
    error: Error | None = None
    clock: Clock | None = None


class Find(RootModel[list[Found]]):
    """Every port that may have a pump."""


class Sim(Shape):
    """One line as soon as the simulated pump can be reached."""

    port: str | None
    socket: str
    control: str
    control_secret: str = Field(description="sent with each request to the control port")
    balance: str | None = None
    balance_socket: str | None = None
    unique_id: str
    seed: int
    bench: str
    image: str | None
    virtual: bool
    speed: float | None


class Program(Shape):
    """A program: rates are `rate_nl` per `rate_seconds_s`; a limit of 0 means the bench's."""

    name: str
    fluid: str
    mode: Literal["constant", "schedule", "minimum"]
    rate_seconds_s: int
    entries: list[tuple[int, int]] = Field(description="minute of the week from Monday 00:00, rate_nl")
    on_clock_loss: str
    after_power_loss: str
    max_rate_nl: int
    hour_nl: int
    day_nl: int
    concentration_ng: int
    concentration_nl: int
    settings: dict[str, Any] | None = None


class Programmed(Shape):
    """`digest` is the SHA-256 that the pump reports; absent in a dry run."""

    digest: str | None = None
    program: Program


class Bolus(Shape):
    """An ordered bolus, or its state; the keys depend on the request."""

    token: str
    purpose: str | None = None
    state: str | None = None
    volume_nl: int | None = None
    rate_nl: int | None = None
    rate_seconds_s: int | None = None
    ordered_steps: int | None = None
    delivered_steps: int | None = None
    planned_steps: int | None = None
    duration_s: int | None = None
    begins_at_ms: int | None = None
    settled: bool | None = Field(None, description="true: the answer was lost, and thecal asked for the outcome")


class Status(Shape):
    """The pump's state, deliveries and alarms."""

    state: Literal["stopped", "running", "limited", "priming", "calibrating", "resuming", "alarm", "maintenance"]
    checking: bool | None = Field(default=None, description="power-up checks the firmware and rebuilds the rolling windows: nothing starts")
    uptime_ms: int
    utc_s: int = Field(description="0 = unknown")
    utc_fraction_ms: int | None
    offset_s: int
    transition_utc_s: int = Field(description="the next change of local time; 0 = none known")
    transition_offset_s: int
    clock_set_utc_s: int
    zone_known: bool | None = None
    boot: int
    powered_on_s: int
    program_digest: str
    program_name: str
    calibration: Calibration | None
    alarms: list[int]
    events_sequence: int
    faults_sequence: int
    free_memory_bytes: int
    counters: dict[str, int]
    last_error: str
    entry: int | None
    entry_rate_nl: int | None
    next_change_s: int | None
    rate_seconds_s: int
    ordered_steps: int
    delivered_steps: int
    guard_steps: int
    leased_steps: int
    uncertain_steps: int
    position_uncertain_steps: int
    hour_nl: int
    day_nl: int
    bolus: Bolus | None
    extended: Bolus | None
    temporary: Temporary | None
    therapy: Therapy | None
    motor_supply_mv: int | None
    clock: Clock | None = None


class Begun(Shape):
    """The pump's answer to `start`."""

    digest: str
    position_steps: int
    settled: bool | None = None


class Start(Shape):
    start: Begun | Status
    status: Status
    clock: Clock | None = None


class Stop(Shape):
    state: str
    delivered_steps: int


class Alarm(Shape):
    """`do` is the remedy; `count` the number of occurrences."""

    fault: int
    name: str
    severity: Literal["alarm", "warning"]
    text: str
    do: str
    count: int | None = None


class Alarms(Shape):
    alarms: list[Alarm]


class Acknowledged(Shape):
    """`alarms` are the numbers that are still active."""

    fault: int
    alarms: list[int] | None = None
    settled: bool | None = None


class Ack(RootModel[list[Acknowledged]]):
    """One per acknowledged alarm."""


class Record(BaseModel):
    """One record; more keys by `event`, see PROTOCOL.md. `utc_s` 0, `utc` "": unknown. Event `gap`: missing records. Oldest first."""

    model_config = ConfigDict(extra="allow")

    ring: Literal["events", "faults"]
    sequence: int
    boot: int
    uptime_ms: int
    utc_s: int
    utc: str
    event: str


class Journal(RootModel[list[Record]]): ...


class Maintenance(Shape):
    state: Literal["maintenance"]


class Flash(BaseModel):
    """The firmware on the board, as the pump reported it afterwards."""

    model_config = ConfigDict(extra="allow")

    dry_run: bool
    port: str | None = None
    release: str | None = None
    unique_id: str | None = None
    bench: str | None = None
    duration_s: float | None = None


class Report(BaseModel):
    """The content of the page of `thecal report`; more keys may follow."""

    model_config = ConfigDict(extra="allow")


class Calibrate(BaseModel):
    """The result of `thecal calibrate`; more keys may follow."""

    model_config = ConfigDict(extra="allow")


SHAPES: dict[str, Any] = {
    "find": Find,
    "sim": Sim,
    "flash": Flash,
    "calibrate": Calibrate,
    "characterise": Characterise,
    "program": Programmed,
    "start": Start | Unsent,
    "status": Status,
    "watch": Status,
    "bolus": Bolus | Unsent,
    "stop": Stop,
    "journal": Journal,
    "report": Report,
    "alarms": Alarms,
    "ack": Ack | list[Unsent],
    "maintenance": Maintenance | Unsent,
    "prime": Bolus | Unsent,
    **of_therapy.VERBS,
    "error": Error,
}


def schema(verb: str) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a verb's `--json`. Raises KeyError if there is none."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **TypeAdapter(SHAPES[verb]).json_schema()}
