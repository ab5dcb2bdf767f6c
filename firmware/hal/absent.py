"""The motor of a board that has no bench, for every target: it refuses to move and drives no pin."""


class Stepper:
    """Counts nothing because it makes nothing."""

    max_rate_hz = 0
    enabled = False

    def queue(self, steps: int, duration_us: int) -> None:
        """Always OSError."""
        raise OSError("no bench: there is no motor")

    def send(self) -> None:
        """There is nothing to send."""

    def steps_done(self) -> int:
        return 0

    def queued_us(self) -> int:
        return 0

    def underruns(self) -> int:
        return 0

    def busy(self) -> bool:
        return False

    def look(self) -> tuple:
        """(steps done, guard count, underruns, guard tripped)."""
        return 0, 0, 0, False

    def halt(self) -> int:
        return 0

    def enable(self, on: bool) -> None:
        """OSError unless it is switched off."""
        if on:
            raise OSError("no bench: there is no motor")

    def close(self) -> None:
        """There is nothing to give back."""


class Guard:
    """Has no line to count and none to cut."""

    def count(self) -> int:
        return 0

    def allow(self, steps: int) -> None:
        """OSError for any allowance."""
        if steps:
            raise OSError("no bench: there is no motor")

    def tripped(self) -> bool:
        return False

    def rearm(self) -> None:
        """There is no latch to release."""

    def cut(self, off: bool) -> None:
        """There is no line to hold off."""


class Buttons:
    """Nobody can press what is not there."""

    def held(self) -> bool:
        return False

    def stop_pressed(self) -> bool:
        return False

    def clear_stop(self) -> None:
        """There is no latch to release."""

    def bolus_pressed(self) -> bool:
        return False


class Supply:
    """Nobody measures it."""

    def mv(self) -> int | None:
        return None

    def low(self) -> bool:
        return False
