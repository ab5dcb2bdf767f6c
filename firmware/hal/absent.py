"""The motor of a board that has no bench, for every target: it refuses to move and drives no pin. What answers the same is one
function by several names: each more of them costs a chip 50 bytes."""


class BoardState:
    """What `Board.look` has seen, in one moment. A board has one and fills it anew at each look, so that a turn of the loop makes none."""

    steps_done: int
    guard_count: int
    underruns: int
    tripped: bool
    stop_pressed: bool


class NoStepper:
    """Counts nothing because it makes nothing."""

    max_rate_hz = 0
    enabled = False

    def queue(self, steps: int, duration_us: int) -> None:
        """Always OSError."""
        raise OSError("no bench: there is no motor")

    def send(self) -> None:
        """There is nothing to send, and nothing to give back."""

    close = send

    def steps_done(self) -> int:
        return 0

    underruns = halt = steps_done

    def look(self) -> tuple[int, int, int, bool]:
        """(steps done, guard count, underruns, guard tripped)."""
        return 0, 0, 0, False

    def enable(self, on: bool) -> None:
        """OSError unless it is switched off."""
        if on:
            raise OSError("no bench: there is no motor")


class NoGuard:
    """Has no line to count and none to cut."""

    def count(self) -> int:
        return 0

    def allow(self, steps: int) -> None:
        """OSError for any allowance."""
        if steps:
            raise OSError("no bench: there is no motor")

    def rearm(self) -> None:
        """There is no latch to release."""

    def cut(self, off: bool) -> None:
        """There is no line to hold off."""


class NoButtons:
    """Nobody can press what is not there."""

    def held(self) -> bool:
        return False

    alert = stop_pressed = bolus_pressed = held

    def clear_stop(self) -> None:
        """There is no latch to release."""


class NoSupply:
    """Nobody measures it."""

    def mv(self) -> int | None:
        return None

    def low(self) -> bool:
        return False
