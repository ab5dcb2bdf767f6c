"""The output of a simulated balance in three protocols, byte for byte as the makers print it."""

from __future__ import annotations

import re
from collections.abc import Callable

from thecal.sim.errors import SimulatorError
from thecal.sim.world.balance import Pan, Shown

PROTOCOLS = ("mt-sics", "sbi", "plain")
END = b"\r\n"
SBI_COMMAND = re.compile(rb"\x1b(?:([A-Z])|([a-z]\d+)_)[\r\n]*")
LINE = re.compile(rb"([^\r\n]*)[\r\n]+")
# actions of a command besides its answer
AGAIN, WHEN_STABLE = "again", "when_stable"
Answer = tuple[bytes, str]


class Talk:
    """Answers commands for one pan. `answer` returns bytes and the action that continues afterwards (AGAIN, WHEN_STABLE or "")."""

    def __init__(self, pan: Pan, serial_number: str) -> None:
        self.pan = pan
        self.protocol = pan.options.protocol
        if self.protocol not in PROTOCOLS:
            raise SimulatorError(f"{self.protocol!r} is not a balance protocol", f"known are {', '.join(PROTOCOLS)}")
        self._serial_number = serial_number
        self.prints = self.protocol == "plain"

    def split(self, pending: bytes) -> tuple[list[bytes], bytes]:
        """Return the complete commands received so far, and the rest."""
        pattern = SBI_COMMAND if self.protocol == "sbi" else LINE
        commands, end = [], 0
        for match in pattern.finditer(pending):
            commands.append(match.group(1) or (match.group(2) if self.protocol == "sbi" else b""))
            end = match.end()
        return [command for command in commands if command], pending[end:][-64:]

    def answer(self, command: bytes) -> Answer:
        if self.pan.fault == "silent" or self.prints:
            return b"", ""
        text, goes_on = (self._sics if self.protocol == "mt-sics" else self._sbi)(command.decode("latin-1"))
        return (self._spoiled(text + END) if text else b""), goes_on

    def weight(self) -> bytes:
        """Return the line of the present weight, with its end."""
        if self.pan.fault == "silent":
            return b""
        shown = self.pan.look()
        line: dict[str, Callable[[Shown], bytes]] = {"mt-sics": self._sics_weight, "sbi": self._sbi_weight, "plain": self._plain_weight}
        return self._spoiled(line[self.protocol](shown) + END)

    def is_stable(self) -> bool:
        return self.pan.look().stable or self.pan.fault in ("overload", "underload")

    def _spoiled(self, line: bytes) -> bytes:
        if self.pan.fault != "half_line":
            return line
        self.pan.fault = "none"
        return line[: len(line) // 2] + END

    def _number(self, shown: Shown) -> tuple[str, str]:
        """Return digits and unit; another unit with that fault."""
        decimals = max(0, 6 - len(str(self.pan.options.resolution_ug)) + 1)
        if self.pan.fault == "unit":
            decimals = max(0, decimals - 3)
            return f"{shown.mass_ug / 1e3:.{decimals}f}", "mg"
        return f"{shown.mass_ug / 1e6:.{decimals}f}", "g"

    def _signed(self, shown: Shown) -> tuple[str, str]:
        """Return digits with their sign, ten wide, and unit."""
        number, unit = self._number(shown)
        return f"{'-' if number.startswith('-') else '+'}{number.lstrip('-'):>9}", unit

    def _off_scale(self, above: bytes, below: bytes) -> bytes:
        """Return the line of an overload or underload; none of a weight in range."""
        return {"overload": above, "underload": below}.get(self.pan.fault, b"")

    # --- MT-SICS

    def _sics(self, command: str) -> Answer:
        if command == "SI":
            return self._sics_weight(self.pan.look()), ""
        if command == "S":
            return (self._sics_weight(self.pan.look()), "") if self.is_stable() else (b"", WHEN_STABLE)
        if command == "SIR":
            return b"", AGAIN
        if command in ("T", "TI", "Z", "ZI"):
            self.pan.tare()
            return f"{command} {'S ' if command.startswith('T') else 'A'}{f'{0:>10.4f} g' if command.startswith('T') else ''}".encode(), ""
        if command in ("I4", "@"):
            return f'I4 A "{self._serial_number}"'.encode(), ""
        return b"ES", ""

    def _sics_weight(self, shown: Shown) -> bytes:
        number, unit = self._number(shown)
        return self._off_scale(b"S +", b"S -") or f"S {'S' if shown.stable else 'D'} {number:>10} {unit}".encode()

    # --- SBI

    def _sbi(self, command: str) -> Answer:
        if command == "P":
            return self._sbi_weight(self.pan.look()), ""
        if command in ("T", "U", "V"):
            self.pan.tare()
        return {"x1": b"      SIM224  ", "x2": f"{self._serial_number:>14}".encode()}.get(command, b""), ""

    def _sbi_weight(self, shown: Shown) -> bytes:
        number, unit = self._signed(shown)
        return self._off_scale(b"      High    ", b"      Low     ") or f"{number} {unit if shown.stable else '':3}".encode()

    # --- plain numbers

    def _plain_weight(self, shown: Shown) -> bytes:
        number, unit = self._signed(shown)
        return self._off_scale(b"OL", b"-----") or f"{number} {unit}{'' if shown.stable else ' ?'}".encode()
