"""Find the protocol of a balance: listen, then ask. The questions change nothing in a balance of another kind."""

from __future__ import annotations

import time
from types import ModuleType

from thecal.errors import BadInput
from thecal.weighing.balance import errors, mt_sics, plain, sbi
from thecal.weighing.balance.port import BalancePort

LISTEN_S = 1.2
ANSWER_S = 1.5
# the strictest first
DIALECTS = {module.NAME: module for module in (mt_sics, sbi, plain)}
SAYS_SOMETHING = ("overload", "underload", "busy", "error_code", "unit")


def dialect(protocol: str) -> ModuleType:
    """Return the module of a protocol by its name."""
    if protocol not in DIALECTS:
        raise BadInput(f"{protocol!r} is not a balance protocol", f"known are auto, {', '.join(DIALECTS)}")
    return DIALECTS[protocol]


def speaks(port: BalancePort, framing: str | None) -> tuple[str, bool]:
    """Return the protocol's name, and True if the balance prints by itself. Raises BalanceError if nothing comes or nothing fits."""
    heard = port.line(time.monotonic() + LISTEN_S)
    if heard is not None:
        return named(heard[0]), True
    port.write(mt_sics.ASK_SERIAL)
    heard = port.line(time.monotonic() + ANSWER_S)
    if heard is not None:
        return named(heard[0]), False
    if framing is None:
        port.frame(sbi.FRAMING)
    port.write(sbi.ASK_NOW)
    heard = port.line(time.monotonic() + ANSWER_S)
    if heard is None:
        raise errors.no_answer(port.port_url, LISTEN_S + 2 * ANSWER_S, "auto")
    return named(heard[0]), False


def named(line: str) -> str:
    """Return the strictest protocol that fits a line."""
    if mt_sics.serial_number(line) is not None or mt_sics.is_refusal(line):
        return mt_sics.NAME
    for name, module in DIALECTS.items():
        if fits(module, line):
            return name
    raise errors.unparsable(line, "mt-sics, sbi or plain numbers")


def fits(module: ModuleType, line: str) -> bool:
    try:
        module.read(line)
    except errors.BalanceError as error:
        return error.kind in SAYS_SOMETHING
    return True
