"""The motor parts of a board without a bench, on every target: they refuse to move and drive no pin.

Methods that return the same share one function under several names: each further function costs a chip 50 bytes.
"""


class BoardState:
    """What `Board.look` saw at one moment. A board fills the same object at each look, so that no turn of the loop allocates one."""

    steps_done: int
    guard_count: int
    underruns: int
    tripped: bool
    stop_pressed: bool


class NoStepper:
    """A stepper that makes no step."""

    max_rate_hz = 0
    enabled = False

    def queue(self, steps: int, duration_us: int) -> None:
        """Always raises OSError."""
        raise OSError("no bench: there is no motor")

    def send(self) -> None:
        """Do nothing: there is nothing to send or to give back."""

    close = send

    def steps_done(self) -> int:
        """Return 0: also for `underruns` and `halt`."""
        return 0

    underruns = halt = steps_done

    def look(self) -> tuple[int, int, int, bool]:
        """Return (steps done, guard count, underruns, guard tripped): all zero."""
        return 0, 0, 0, False

    def enable(self, on: bool) -> None:
        """Raises OSError unless it is switched off."""
        if on:
            raise OSError("no bench: there is no motor")


class NoGuard:
    """A guard without a line to count or to cut."""

    def count(self) -> int:
        """Return 0."""
        return 0

    def allow(self, steps: int) -> None:
        """Raises OSError for any allowance."""
        if steps:
            raise OSError("no bench: there is no motor")

    def rearm(self) -> None:
        """Do nothing: there is no latch."""

    def cut(self, off: bool) -> None:
        """Do nothing: there is no line to hold off."""


class NoButtons:
    """Buttons that do not exist and are never pressed."""

    def held(self) -> bool:
        """Return False: also for `alert`, `stop_pressed` and `bolus_pressed`."""
        return False

    alert = stop_pressed = bolus_pressed = held

    def clear_stop(self) -> None:
        """Do nothing: there is no latch."""


class NoSupply:
    """A supply that is not measured."""

    def mv(self) -> int | None:
        """Return None."""
        return None

    def amiss(self) -> str:
        """Return ""."""
        return ""
