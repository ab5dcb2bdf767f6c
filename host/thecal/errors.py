"""Every error a user can meet. One root; the exit code belongs to the class, the words to the place that raises it.

Exit codes: 0 done, 1 refused or failed, 2 usage or bad file, 3 no pump, 4 link lost (outcome unknown), 5 pump in alarm.
"""

from __future__ import annotations

import signal
from collections.abc import Mapping
from types import MappingProxyType


class ThecalError(Exception):
    """`cause` says what is wrong, `do` what to do about it; the command line prints both and leaves with `exit_code`."""

    exit_code = 1

    def __init__(self, cause: str, do: str = "") -> None:
        super().__init__(cause)
        self.cause = cause
        self.do = do

    def as_dict(self) -> dict[str, object]:
        """What `--json` prints instead of the two lines."""
        return {"error": type(self).__name__, "cause": self.cause, "do": self.do, "exit_code": self.exit_code}


class Refused(ThecalError):
    """The pump understood and said no; nothing changed. `text` and `detail` are as the wire has them, where it came from there."""

    text = ""
    detail: Mapping[str, object] = MappingProxyType({})

    def __init__(self, code: int, fault: str, cause: str, do: str = "") -> None:
        super().__init__(cause, do)
        self.code = code
        self.fault = fault
        if fault == "alarm_active":
            self.exit_code = InAlarm.exit_code

    def as_dict(self) -> dict[str, object]:
        return {**super().as_dict(), "code": self.code, "fault": self.fault}


class Failed(ThecalError):
    """Something on this side did not work; nothing was sent, or what was sent changed nothing."""


class PortBusy(Failed):
    """Another program holds the port."""


class WrongProtocol(Failed):
    """The pump speaks another major version."""


class BadInput(ThecalError):
    """A file or a value that a person wrote can't be used."""

    exit_code = 2


class NoPump(ThecalError):
    """No port, or nothing on it that answers as a pump."""

    exit_code = 3


class WrongDevice(NoPump):
    """Something answers, and it is not a pump of ours."""


class Silent(NoPump):
    """The port opens and nothing answers."""


class LinkLost(ThecalError):
    """The link broke or fell silent while a question that changes nothing was open."""

    exit_code = 4


class Unknown(LinkLost):
    """The link was lost after a changing command was sent: the pump may or may not have done it."""


class Interrupted(BaseException):
    """TERM, HUP or Ctrl-C came while a verb had the motor in hand; `number` is the signal's. Not an Exception: no retry may swallow it."""

    def __init__(self, number: int, cause: str = "", do: str = "`thecal status` says what the pump does") -> None:
        super().__init__(number)
        self.number = number
        self.cause = cause or f"ended by {signal.Signals(number).name}"
        self.do = do

    @property
    def exit_code(self) -> int:
        """As a shell reports it: 130 for Ctrl-C, 143 for TERM, 129 for HUP."""
        return 128 + self.number

    def as_dict(self) -> dict[str, object]:
        return {"error": type(self).__name__, "cause": self.cause, "do": self.do, "exit_code": self.exit_code}


class BadAnswer(ThecalError):
    """The pump answered, and not with what its protocol says; of a changing command nobody knows what became."""

    exit_code = 4


class InAlarm(ThecalError):
    """The pump is in alarm; what was asked needs that settled first."""

    exit_code = 5
