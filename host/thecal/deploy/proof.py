"""After the reset, compare the pump's own report with the firmware that was sent."""

from __future__ import annotations

from typing import Any

from thecal.deploy.build import Built
from thecal.deploy.finding import await_port, has_prompt
from thecal.errors import Failed, NoPump, Refused
from thecal.pump.client import Client
from thecal.pump.opening import UNFIT
from thecal.pump.transport.ports import Candidate

REPLY_TIMEOUT_S = 2.0
PROMPTS_MOST = 5  # a starting pump shows no prompt for longer; after a main.py that ended, the prompt stays
FATAL = ("firmware_incomplete", "not_commissioned", "sensor_unsupported")
DO = "flash again; the pump delivers nothing until it matches"


class Reading:
    """The pump's report, once it answers."""

    def __init__(self) -> None:
        self.hello: dict[str, Any] = {}
        self.status: dict[str, Any] = {}
        self.alarms: list[str] = []
        self._prompts = 0

    def taken(self, port_url: str) -> bool:
        """Ask on this port. Raises Failed if only a prompt answers, repeatedly."""
        try:
            with Client(port_url, REPLY_TIMEOUT_S, REPLY_TIMEOUT_S) as client:
                self.hello = client.hello()
                self.status = client.status()
                self.alarms = [alarm["name"] for alarm in client.alarms()["alarms"]]
        except Refused as refused:
            if refused.fault not in UNFIT:
                raise
            raise Failed(f"the firmware was copied but does not run: {refused.cause}", DO) from None
        except NoPump:
            self._prompts += has_prompt(port_url)
            if self._prompts >= PROMPTS_MOST:
                do = f"see why: mpremote connect {port_url} resume exec 'import main; main.main()'; {DO}"
                raise Failed("the firmware was copied but does not start: the board shows MicroPython's prompt", do) from None
            raise
        return True


def prove(board: Candidate, built: Built, bench_name: str) -> Reading:
    """Wait for the pump and compare release, bench and alarms. Raises Failed if they differ, NoPump if it never came."""
    reading = Reading()
    await_port(board, reading.taken)
    wrong = list(differences(reading, built, bench_name))
    if wrong:
        raise Failed(f"the pump differs from what was sent: {'; '.join(wrong)}", DO)
    return reading


def differences(reading: Reading, built: Built, bench_name: str) -> list[str]:
    """Return the differences in the pump's report; `bench_name` "" if no bench was sent."""
    wrong = []
    if reading.hello.get("release") != built.release:
        wrong.append(f"release {str(reading.hello.get('release'))[:12]}, sent {built.release[:12]}")
    if bench_name and reading.hello.get("bench") != bench_name:
        wrong.append(f"bench {reading.hello.get('bench')!r}, sent {bench_name!r}")
    return wrong + [f"alarm {name}" for name in reading.alarms if name in FATAL]
