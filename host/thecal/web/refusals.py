"""Errors as the page gets them: a status, one word, the cause and the remedy."""

from __future__ import annotations

from thecal.errors import BadAnswer, BadInput, InAlarm, LinkLost, NoKey, NoPump, PortBusy, Refused, ThecalError, Unknown
from thecal.web.shapes import Failure, Trouble

FORBIDDEN_STATUS, UNKNOWN_STATUS, BUSY_STATUS, AWAY_STATUS, REFUSED_STATUS, BAD_STATUS = 403, 504, 503, 503, 409, 422
# the first class that fits gives the word and the status
WORDS: tuple[tuple[type[ThecalError], str, int], ...] = (
    (Refused, "refused", REFUSED_STATUS),
    (NoKey, "role", FORBIDDEN_STATUS),
    (InAlarm, "in_alarm", REFUSED_STATUS),
    (BadInput, "bad_input", BAD_STATUS),
    (PortBusy, "port_busy", BUSY_STATUS),
    (NoPump, "no_pump", AWAY_STATUS),
    (Unknown, "unknown_outcome", UNKNOWN_STATUS),
    (LinkLost, "link_lost", AWAY_STATUS),
    (BadAnswer, "bad_answer", UNKNOWN_STATUS),
    (ThecalError, "failed", REFUSED_STATUS),
)


class WebError(Exception):
    """An error of the server itself, with its status."""

    def __init__(self, status: int, kind: str, text: str, do: str = "") -> None:
        super().__init__(text)
        self.status = status
        self.failure = Failure(error=Trouble(kind=kind, text=text, do=do))


def not_yet() -> WebError:
    """Return the error of a path that is not built."""
    return WebError(501, "not_yet", "this is not built yet")


def trouble_of(error: ThecalError) -> Trouble:
    """Return an error of the library as the page shows it; a refusal's word is the pump's."""
    return Trouble(kind=word_of(error)[0], text=error.cause, do=error.do)


def web_error(error: ThecalError) -> WebError:
    """Return an error of the library with its status."""
    word, status = word_of(error)
    return WebError(status, word, error.cause, error.do)


def word_of(error: ThecalError) -> tuple[str, int]:
    """Return the word and the status of an error."""
    word, status = next((word, status) for kind, word, status in WORDS if isinstance(error, kind))
    return (error.fault or word, status) if isinstance(error, Refused) else (word, status)
