"""Errors as the page gets them: a status, one word, the cause and the remedy."""

from __future__ import annotations

from typing import NamedTuple

from thecal.errors import BadAnswer, BadInput, InAlarm, LinkLost, NoKey, NoPump, PortBusy, Refused, ThecalError, Unknown
from thecal.web.shapes import Failure, Trouble

FORBIDDEN_STATUS, UNKNOWN_STATUS, BUSY_STATUS, AWAY_STATUS, REFUSED_STATUS, BAD_STATUS = 403, 504, 503, 503, 409, 422


class Word(NamedTuple):
    """The word and the status for a class of errors."""

    kind: type[ThecalError]
    word: str
    status: int


# the first class that fits gives the word and the status
WORDS = (
    Word(Refused, "refused", REFUSED_STATUS),
    Word(NoKey, "role", FORBIDDEN_STATUS),
    Word(InAlarm, "in_alarm", REFUSED_STATUS),
    Word(BadInput, "bad_input", BAD_STATUS),
    Word(PortBusy, "port_busy", BUSY_STATUS),
    Word(NoPump, "no_pump", AWAY_STATUS),
    Word(Unknown, "unknown_outcome", UNKNOWN_STATUS),
    Word(LinkLost, "link_lost", AWAY_STATUS),
    Word(BadAnswer, "bad_answer", UNKNOWN_STATUS),
    Word(ThecalError, "failed", REFUSED_STATUS),
)


class WebError(Exception):
    """An error of the server itself, with its status."""

    def __init__(self, status: int, kind: str, text: str, do: str = "") -> None:
        super().__init__(text)
        self.status = status
        self.failure = Failure(error=Trouble(kind=kind, text=text, do=do))


def trouble_of(error: ThecalError) -> Trouble:
    """Return an error of the library as the page shows it; a refusal's word is the pump's."""
    return Trouble(kind=word_of(error)[0], text=error.cause, do=error.do)


def web_error(error: ThecalError) -> WebError:
    """Return an error of the library with its status."""
    word, status = word_of(error)
    return WebError(status, word, error.cause, error.do)


def word_of(error: ThecalError) -> tuple[str, int]:
    """Return the word and the status of an error."""
    found = next(one for one in WORDS if isinstance(error, one.kind))
    return (error.fault or found.word, found.status) if isinstance(error, Refused) else (found.word, found.status)
