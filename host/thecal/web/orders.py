"""Orders from the page: typed text becomes the review that the command line shows too. Acknowledging and refilling have theirs here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from thecal.api.person import NO_FLUID, Person
from thecal.api.pump import Pump
from thecal.api.review import Draft, Order, Part, Review
from thecal.api.running import Fluid
from thecal.errors import BadInput, Failed
from thecal.pump import orders
from thecal.web import refills
from thecal.web.refusals import WebError
from thecal.web.shapes import Ask, Kind
from thecal.web.view import alarm

if TYPE_CHECKING:
    from thecal.pump.client import Client
    from thecal.pump.facts import PumpFacts

# the lowest role of a login for each kind of order (PROTOCOL.md, Keys)
ROLES: dict[Kind, str] = {
    "run": "program",
    "bolus": "operate",
    "start": "operate",
    "program": "program",
    "temporary": "program",
    "prime": "operate",
    "ack": "operate",
    "refill": "program",
    "restore": "program",
}


class Visitor(Person):
    """Somebody at the page: a soft limit needs a second, explicit word."""

    asks = True

    def agree(self, question: str, about: str) -> None:
        """Refuse with the limit's word: the page asks, and sends the order again with it. Raises WebError."""
        word = about.split(" for ", 1)[-1].split(":", 1)[0]
        raise WebError(409, "soft_limit", about, f"confirm it: add {word} to the confirmed soft limits, or order less")

    def fluid(self) -> str:
        """Refuse: the page has a field for it. Raises Failed."""
        raise Failed(NO_FLUID, "name it in the field Drug, for instance water")


class PumpOfPage(Pump):
    """A pump whose port is opened for each exchange, by turns with the server's poller."""

    def __init__(self, client: Client) -> None:
        super().__init__(client.port_url, hold=False, person=Visitor(), client=client)

    def prepare(self, asked: Ask) -> Review:
        """Return the review of an order. Raises BadInput, Failed, InAlarm, Refused, LinkLost, WebError."""
        makers: dict[Kind, Callable[[Ask], Review]] = {
            "run": self._run,
            "bolus": lambda one: self.prepare_bolus(given(one.volume), given(one.rate), over=given(one.over)),
            "start": lambda one: self.prepare_start(),
            "program": self._program,
            "temporary": self._temporary,
            "prime": lambda one: self.prepare_prime(needed("rate", one.rate), one.again),
            "ack": self._ack,
            "refill": lambda one: self._prepared(lambda pump: refills.prepare(pump, one)),
            "restore": lambda one: self.prepare_restore(),
        }
        return makers[asked.kind](asked)

    def _run(self, asked: Ask) -> Review:
        fluid = Fluid(given(asked.drug), given(asked.concentration), None, list(asked.overrides))
        return self.prepare_run(given(asked.rate), duration=given(asked.duration), volume=given(asked.volume), drug=fluid)

    def _temporary(self, asked: Ask) -> Review:
        rate, percent = given(asked.rate), given(asked.percent)
        if (rate is None) == (percent is None):
            raise BadInput("give a rate, or a part of the basal, and not both", 'for instance "0.8 mL/h", or "50 %"')
        part = percent if percent is None or percent.rstrip().endswith("%") else f"{percent} %"
        return self.prepare_temporary(str(rate or part), needed("duration", asked.duration))

    def _program(self, asked: Ask) -> Review:
        """Write the uploaded files into a folder of their own, so that a prescription finds its library there and no other file."""
        text = needed("prescription", asked.prescription)
        with TemporaryDirectory() as name:
            folder = Path(name)
            library = folder / file_name(asked.library_name) if asked.library is not None else None
            if library is not None:
                library.write_text(str(asked.library), encoding="utf-8")
            file = folder / file_name(asked.file_name)
            file.write_text(text, encoding="utf-8")
            try:
                return self.prepare_program(file, library=library, overrides=tuple(asked.overrides))
            except BadInput as error:
                raise BadInput(error.cause.replace(f"{folder}/", ""), error.do.replace(f"{folder}/", "")) from None

    def _ack(self, asked: Ask) -> Review:
        if asked.fault is None:
            raise BadInput("no alarm is named", "choose one of the list")
        return self._prepared(lambda pump: acknowledging(pump, int(asked.fault or 0)))


def acknowledging(pump: PumpFacts, number: int) -> Draft:
    """Return the review of an acknowledgement. Raises Failed if the alarm is not active."""
    if number not in pump.status["alarms"]:
        raise Failed(f"{number} is not active", "see the list of alarms")
    told = alarm(number)
    rows: list[tuple[str, ...]] = [(told.severity, f"{number} {told.name}"), ("what", told.text), ("do first", told.do)]
    wire = orders.Order("ack", {"fault": number})

    def send(now: PumpFacts) -> Order:
        reply = now.client.ack(number)
        return Order("ack", "", str(now.status.get("program_digest") or ""), reply, f"acknowledged {number} {told.name}")

    return Draft("ack", f"Acknowledge this {told.severity}?", (Part(rows),), (wire,), send)


def given(text: str | None) -> str | None:
    """Return a typed text; None for an empty field."""
    return text if text is not None and text.strip() else None


def needed(name: str, text: str | None) -> str:
    """Return a typed text. Raises BadInput for an empty field."""
    if given(text) is None:
        raise BadInput(f"the field {name} is empty", "fill it in")
    return str(text)


def file_name(text: str) -> str:
    """Return a file's name without its folder, in plain letters."""
    name = "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in text.replace("\\", "/").rpartition("/")[2])
    return name.lstrip(".")[:80] or "prescription.toml"

