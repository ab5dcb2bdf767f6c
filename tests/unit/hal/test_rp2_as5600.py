"""The AS5600's driver against a bus that answers as the data sheet says, and one that somebody holds."""

import time
from types import SimpleNamespace
from typing import Any

import pytest

from support.pump.rp2_modules import load


class Bus:
    """An I2C block; `made`: what each was made with."""

    made: list[dict[str, Any]] = []

    def __init__(self, block: int, **options: Any) -> None:
        self.made.append({"block": block, **options})
        self.registers = {0x0B: 0x27, 0x0C: 0xFA, 0x0D: 0xBC}

    def readfrom_mem_into(self, address: int, register: int, buffer: bytearray) -> None:
        if address != 0x36:
            raise OSError(5)
        for place in range(len(buffer)):
            buffer[place] = self.registers[register + place]


class Pin:
    OPEN_DRAIN = "open drain"
    log: list[tuple[int, int]] = []

    def __init__(self, number: int, mode: object = None, value: int | None = None) -> None:
        self.number, self.mode = number, mode

    def value(self, level: int) -> None:
        assert self.mode == Pin.OPEN_DRAIN
        self.log.append((self.number, level))


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> Any:
    found = load("as5600")
    Bus.made, Pin.log = [], []
    monkeypatch.setattr(found, "I2C", Bus)
    monkeypatch.setattr(found, "Pin", Pin)
    monkeypatch.setattr(found, "time", SimpleNamespace(sleep_us=lambda us: time.sleep(0)))
    return found


def test_status_and_twelve_bits_of_the_raw_angle_come_in_one_read(driver: Any) -> None:
    sensor = driver.As5600(18, 19, 100_000)
    assert sensor.counts() == 0xABC and sensor.status == 0x27
    (made,) = Bus.made
    assert (made["block"], made["freq"], made["sda"].number, made["scl"].number) == (1, 100_000, 18, 19)
    assert made["timeout"] <= 50_000


def test_a_bus_is_freed_by_nine_clocks_and_a_stop_and_opened_again(driver: Any) -> None:
    driver.As5600(18, 19, 100_000).free()
    clocks = [level for pin, level in Pin.log if pin == 19]
    assert clocks == [0, 1] * 9
    assert Pin.log[-2:] == [(18, 0), (18, 1)]  # SDA rises while SCL is high: a stop
    assert len(Bus.made) == 2
