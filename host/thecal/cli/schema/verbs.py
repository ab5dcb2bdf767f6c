"""The `--json` documents, verb by verb. `thecal schema VERB` prints them as JSON Schema.

A shape that repeats a reply takes its keys and ranges from `pumpcore.wire.replies`. A quantity has its unit in its name. A rate is
`_rate_nl` nanolitres per `rate_seconds_s` seconds. A later version may add keys, and changes none.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel, TypeAdapter

from pumpcore.wire import replies
from pumpcore.wire.replies import REPLIES
from thecal.cli.schema import therapy as of_therapy
from thecal.cli.schema.of_replies import Shape, repeats
from thecal.cli.schema.therapy import Clock, Unsent
from thecal.cli.schema.weighing import Characterise, LearnedRotor, Rotor, VerifiedRotor


@repeats(replies.CALIBRATION, without="id weighed_utc_s expires_utc_s expires_nl delivered_nl expired scatter_ppm runs")
class Calibration(Shape):
    """`steps` steps deliver `volume_nl`; `delivered_nl` since it was stored. It expires at `expires_utc_s` or after `expires_nl` (0 =
    never); `expired` gives the reason."""


@repeats(replies.CEILINGS)
class Ceilings(Shape):
    """The ceilings of the bench: `rate_nl` per `rate_seconds_s`, volumes per rolling hour and 24 hours, and the motor's."""


@repeats(replies.IMPLEMENTATION)
class Implementation(Shape):
    """The interpreter of the pump."""


@repeats(replies.HELLO, without="journal_identity name calibration_id calibration_expires_utc_s calibration_expires_nl ceilings")
class Hello(Shape):
    """The pump's identity and versions."""


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
    """One line a pump as soon as all simulated pumps can be reached."""

    name: str = Field(description="the name that the pump has; empty: none")
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


class ProgramDrug(Shape):
    """A drug beside the first, with its own limits in the drug library (0 = none) if the program has settings."""

    model_config = ConfigDict(extra="allow")

    name: str
    concentration_ng: int
    concentration_nl: int


class Program(Shape):
    """A program: rates are `rate_nl` per `rate_seconds_s`; a limit of 0 means the bench's."""

    name: str
    fluid: str
    mode: Literal["constant", "schedule", "minimum", "protocol"]
    rate_seconds_s: int
    entries: list[tuple[int, int]] = Field(description="minute of the week from Monday 00:00, rate_nl")
    on_clock_loss: str
    after_power_loss: str
    max_rate_nl: int
    hour_nl: int
    day_nl: int
    concentration_ng: int
    concentration_nl: int
    drugs: list[ProgramDrug] = Field(description="besides `fluid`, which leads")
    settings: dict[str, Any] | None = None
    protocol: dict[str, Any] | None = Field(None, description="stages: seconds, rate_nl at begin and end; loops: first stage, count, times")


class Programmed(Shape):
    """`digest` is the SHA-256 that the pump reports; absent in a dry run."""

    digest: str | None = None
    program: Program
    unchanged: bool | None = Field(None, description="true: the pump had this program already, and nothing was sent")


@repeats(replies.BOLUS, replies.ORDERED, REPLIES["bolus.status"], REPLIES["bolus.cancel"])
class Bolus(Shape):
    """An ordered bolus, or its state; the keys depend on the request."""

    settled: bool | None = Field(None, description="true: the answer was lost, and thecal asked for the outcome")


class Delivered(Shape):
    """A volume and its standard uncertainty: `scatter_nl` as the runs of the calibration scattered, `mean_nl` of their mean, both together
    in `uncertainty_nl`; null if nobody weighed, or only once. `uncertain_nl` of the volume may be missing after power cuts."""

    volume_nl: int
    uncertainty_nl: int | None
    scatter_nl: int | None
    mean_nl: int | None
    uncertain_nl: int | None = None


@repeats(replies.STATUS, without="zone_known protocol motor_supply_high_mv")
class Status(Shape):
    """The pump's state, deliveries and alarms. `utc_s` is 0 if the pump does not know the time; `transition_utc_s` is the next change of
    local time, 0 if it knows none."""

    state: Literal["stopped", "running", "limited", "priming", "calibrating", "resuming", "alarm", "maintenance"]
    counters: dict[str, int]
    clock: Clock | None = None
    delivered: Delivered | None = Field(None, description="the delivered total; null without a calibration")


class OnePump(Shape):
    """A pump of `status --all`; `status` if it answered, otherwise `error`. `name` and `unique_id` are "" if unknown."""

    port_url: str
    origin: Literal["usb", "simulator"]
    name: str
    unique_id: str
    status: Status | None = None
    error: Error | None = None


@repeats(REPLIES["start"])
class Begun(Shape):
    """The pump's answer to `start`."""

    settled: bool | None = None


class Run(Shape):
    """A run: `rate_nl` per `rate_seconds_s`; `volume_nl`, `duration_s` and `whole_steps` are null for a rate without end. `replaced`:
    the name of the program before. With --wait `delivered_steps` and the `outcome` "done"."""

    digest: str
    replaced: str | None
    start: Begun | Status
    rate_nl: int
    rate_seconds_s: int
    volume_nl: int | None
    duration_s: int | None
    whole_steps: int | None
    delivered_steps: int | None
    outcome: Literal["running", "done"]


class Start(Shape):
    start: Begun | Status
    status: Status
    clock: Clock | None = None


class StoppedRun(Shape):
    """The run that the stop ended. `lasted_s` is null if it began before the last power-up; `delivered` without a calibration."""

    steps: int
    lasted_s: int | None
    delivered: Delivered | None


@repeats(REPLIES["stop"])
class Stop(Shape):
    """The pump's answer to `stop`. `run` is null if nothing ran, or the pump did not answer a second time."""

    run: StoppedRun | None = None


@repeats(replies.ALARM, without="count")
class Alarm(Shape):
    """`do` is the remedy; `count` the number of occurrences."""

    severity: Literal["alarm", "warning"]


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
    """The result of `thecal calibrate`; more keys may follow. The last three with `--rotor`."""

    model_config = ConfigDict(extra="allow")

    rotor: Rotor | None = None
    learned: LearnedRotor | None = None
    verified: VerifiedRotor | None = None


@repeats(REPLIES["name.set"])
class Name(Shape):
    """The pump's name; "" if it has none."""

    settled: bool | None = None


class Written(Shape):
    """The file that was written."""

    file: str


class Config(Shape):
    """The config file, the defaults in force (null: none), and where each comes from."""

    file: str
    values: dict[str, str | None]
    origins: dict[str, str]


class Part(Shape):
    """An argument or option of a verb."""

    name: str
    help: str


class Example(Shape):
    what: str
    command: str


class Page(Shape):
    """The page of a verb."""

    verb: str
    usage: str
    help: str
    argument: list[Part]
    option: list[Part]
    examples: list[Example]


class Key(Shape):
    """Whether the pump has keys, and the roles whose keys this computer holds; no key."""

    unique_id: str
    keys: Literal["none", "set", "damaged"]
    held: list[Literal["look", "operate", "program"]]


class ShownKey(Shape):
    """The answer to `key show`: one key, in hex digits."""

    unique_id: str
    role: Literal["look", "operate", "program"]
    key: str


class Groups(Shape):
    """The verbs with their summaries, by group."""

    groups: dict[str, dict[str, str]]


class Schemas(RootModel[list[str] | dict[str, Any]]):
    """The names of the schemas, or one of them."""


SHAPES: dict[str, Any] = {
    "find": Find,
    "sim": Sim,
    "flash": Flash,
    "calibrate": Calibrate,
    "characterise": Characterise,
    "program": Programmed,
    "run": Run | Programmed | Unsent | list[Unsent],
    "start": Start | Unsent,
    "status": Status | list[OnePump],
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
    "name": Name | Unsent,
    "new": Written,
    "config": Config,
    "key": Key | ShownKey | list[Unsent],
    "help": Page | Groups,
    "schema": Schemas,
    "error": Error,
}


def schema(verb: str) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a verb's `--json`. Raises KeyError if there is none."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **TypeAdapter(SHAPES[verb]).json_schema()}
