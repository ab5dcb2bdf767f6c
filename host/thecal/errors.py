"""The errors that a user can meet. The class sets the exit code; the code that raises an error writes its text.

Exit codes: 0 done, 1 refused or failed, 2 usage or bad file, 3 no pump, 4 link lost (outcome unknown), 5 pump in alarm.
"""

from __future__ import annotations

import signal
from collections.abc import Mapping
from types import MappingProxyType


class ThecalError(Exception):
    """An error for the user: `cause`, then `do`, the remedy. The command line prints both and exits with `exit_code`."""

    exit_code = 1

    def __init__(self, cause: str, do: str = "") -> None:
        super().__init__(cause)
        self.cause = cause
        self.do = do

    def as_dict(self) -> dict[str, object]:
        """Return the error as the keys that `--json` prints."""
        return {"error": type(self).__name__, "cause": self.cause, "do": self.do, "exit_code": self.exit_code}


class Refused(ThecalError):
    """The pump refused; nothing changed. `text` and `detail` come from the wire if the pump sent them."""

    text = ""
    detail: Mapping[str, object] = MappingProxyType({})

    def __init__(self, code: int, fault: str, cause: str, do: str = "") -> None:
        super().__init__(cause, do)
        self.code = code
        self.fault = fault
        if fault == "alarm_active":
            self.exit_code = InAlarm.exit_code

    def as_dict(self) -> dict[str, object]:
        """Return the error for `--json`, with the pump's code and fault."""
        return {**super().as_dict(), "code": self.code, "fault": self.fault}


class Failed(ThecalError):
    """The host failed; it sent nothing, or the pump changed nothing."""


class PortBusy(Failed):
    """Another program holds the port."""


class NoKey(Failed):
    """The pump has keys, and this computer holds none that may do this; nothing was sent."""


class WrongProtocol(Failed):
    """The pump uses another major version of the protocol."""


class BadInput(ThecalError):
    """The user typed or wrote a value that thecal can't use."""

    exit_code = 2


class NoPump(ThecalError):
    """No port found, or no pump answers on it."""

    exit_code = 3


class WrongDevice(NoPump):
    """Another device answers on the port."""


class Silent(NoPump):
    """The port opens, but nothing answers."""


class LinkLost(ThecalError):
    """The link broke or fell silent during a question that changes nothing."""

    exit_code = 4


class Unknown(LinkLost):
    """The link broke after the host sent a command that changes something: the pump may or may not have carried it out."""


class Interrupted(BaseException):
    """TERM, HUP or Ctrl-C arrived while a verb ran the motor; `number` is the signal's. A BaseException, so that no retry catches it."""

    def __init__(self, number: int, cause: str = "", do: str = "`thecal status` says what the pump does") -> None:
        super().__init__(number)
        self.number = number
        self.cause = cause or f"ended by {signal.Signals(number).name}"
        self.do = do

    @property
    def exit_code(self) -> int:
        """Return the exit code of a shell: 130 for Ctrl-C, 143 for TERM, 129 for HUP."""
        return 128 + self.number

    def as_dict(self) -> dict[str, object]:
        """Return the error for `--json`."""
        return {"error": type(self).__name__, "cause": self.cause, "do": self.do, "exit_code": self.exit_code}


class BadAnswer(ThecalError):
    """The pump's answer breaks the protocol. The outcome of a command is then unknown."""

    exit_code = 4


class InAlarm(ThecalError):
    """The pump is in alarm; the user must acknowledge it first."""

    exit_code = 5
