"""What can go wrong with a simulated pump, and the three ways in which a power-up ends."""

from thecal.errors import Failed


class SimulatorError(Failed):
    """The simulator can't do what was asked, or the firmware in it has ended."""


class PowerUpEnding(BaseException):
    """Ends the guest from outside. Not an `Exception`, so that no handler on the way mistakes it for a fault."""


class PowerCut(PowerUpEnding):
    """The supply is gone."""


class BoardReset(PowerUpEnding):
    """The chip starts again; `cause` is what the firmware will read as its reset cause."""

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
