"""The errors of a simulated pump, and the three ways in which a power-up ends."""

from thecal.errors import Failed


class SimulatorError(Failed):
    """The simulator can't carry out a request, or its firmware has ended."""


class PowerUpEnding(BaseException):
    """End the guest from outside. Not an `Exception`, so that no handler catches it as a fault."""


class PowerCut(PowerUpEnding):
    """The supply is off."""


class BoardReset(PowerUpEnding):
    """The chip restarts; `cause` is the reset cause that the firmware reads."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause


class GuestExit(PowerUpEnding):
    """The firmware ended by itself, with this exit code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class WasiError(Exception):
    """A call of the guest fails with this WASI error number."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number
