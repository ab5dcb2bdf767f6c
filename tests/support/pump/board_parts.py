"""What a board for the tests has besides motor, clock, line and flash."""


class Watchdog:
    def start(self, timeout_ms: int) -> None:
        self.timeout_ms = timeout_ms

    def feed(self) -> None:
        pass


class Buttons:
    def __init__(self) -> None:
        self.stop = False
        self.bolus = False

    def bolus_pressed(self) -> bool:
        pressed, self.bolus = self.bolus, False
        return pressed

    def stop_pressed(self) -> bool:
        return self.stop

    def clear_stop(self) -> None:
        self.stop = False


class Supply:
    """The motor's, 12 V until somebody changes it; None where it is not measured."""

    low_mv = 10_000

    def __init__(self) -> None:
        self.now_mv = 12_000

    def mv(self) -> int | None:
        return self.now_mv

    def low(self) -> bool:
        return self.now_mv is not None and self.now_mv < self.low_mv


class Buzzer:
    pattern = "off"

    def sound(self, pattern: str) -> None:
        self.pattern = pattern


class System:
    unique_id = "0123456789abcdef"
    reset_cause = "power"
    failures = 0
    maintenance_requested = False
    reset_asked = False
    implementation: dict[str, str | int | list[int]] = {"name": "cpython"}

    def seed(self) -> int:
        return 7

    def collect(self) -> None:
        pass

    def built(self) -> None:
        pass

    loop_begins = make_room = built

    def between_turns(self) -> bool:
        return False

    def forget(self, *modules: str) -> None:
        pass

    def free_memory_bytes(self) -> int:
        return 0

    def request_maintenance(self) -> None:
        self.maintenance_requested = True

    def reset(self) -> None:
        self.reset_asked = True
