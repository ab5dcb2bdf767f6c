"""The errors of a balance, each with cause and remedy, in the same words for all three protocols."""

from __future__ import annotations

from thecal.errors import ThecalError


class BalanceError(ThecalError):
    """The balance gave no usable weight. `kind`: one word for programs; `raw`: the received line, "" if there was none."""

    def __init__(self, kind: str, cause: str, do: str, raw: str = "") -> None:
        super().__init__(cause, do)
        self.kind = kind
        self.raw = raw

    def as_dict(self) -> dict[str, object]:
        return {**super().as_dict(), "kind": self.kind, "raw": self.raw}


def shown(line: str) -> str:
    """Return the raw line in quotes, with unprintable characters escaped; every space stays."""
    return '"' + line.encode("unicode_escape").decode() + '"'


def overload(raw: str) -> BalanceError:
    return BalanceError("overload", f"the balance is overloaded ({shown(raw)})", "take load off the pan, or use a lighter vessel", raw)


def underload(raw: str) -> BalanceError:
    do = "put the pan and the vessel on; if they are, zero the balance and begin again"
    return BalanceError("underload", f"the balance is below its range ({shown(raw)})", do, raw)


def half_line(raw: str, why: str) -> BalanceError:
    do = "check cable, baud rate and parity, and that no other program reads this port; then begin again"
    return BalanceError("half_line", f"the balance sent half a line: {shown(raw)} ({why})", do, raw)


def unparsable(raw: str, protocol: str, why: str = "") -> BalanceError:
    reason = f": {why}" if why else ""
    do = "check protocol, baud rate and parity against the balance's menu (mt-sics, sbi and plain are known)"
    return BalanceError("unparsable", f"{shown(raw)} is not a weight in {protocol}{reason}", do, raw)


def decimal_comma(raw: str) -> BalanceError:
    return BalanceError("unparsable", f"{shown(raw)} has a decimal comma", "set the balance's print-out to a decimal point", raw)


def unusable_unit(raw: str, unit: str) -> BalanceError:
    return BalanceError("unit", f"the balance weighs in {shown(unit)} ({shown(raw)})", "set its unit to g, mg, kg or ug", raw)


def no_unit(raw: str) -> BalanceError:
    do = "set the balance to print its unit, or select grams with --balance-protocol plain"
    return BalanceError("unit", f"{shown(raw)} has no unit", do, raw)


def unit_not_seen(raw: str) -> BalanceError:
    do = "wait until it is stable once, so that it shows its unit"
    return BalanceError("unstable", f"the balance is not stable and has not shown its unit yet ({shown(raw)})", do, raw)


def too_fine(raw: str) -> BalanceError:
    return BalanceError("resolution", f"{shown(raw)} is finer than 1 ug", "set the balance to a resolution of 1 ug or coarser", raw)


def unit_change(raw: str, before: str, after: str) -> BalanceError:
    was, now = (unit or "none" for unit in (before, after))
    do = "set the unit back, and begin the run again"
    return BalanceError("unit_change", f"the balance changed its unit during the run from {was} to {now} ({shown(raw)})", do, raw)


def decimals_change(raw: str, before: int, after: int) -> BalanceError:
    do = "check the cable; keep a balance with two ranges in one of them, or use mt-sics or sbi"
    cause = f"the balance's number had {before} decimals and has {after} ({shown(raw)}): half a line, or another range"
    return BalanceError("half_line", cause, do, raw)


def tared(raw: str, drop_ug: int) -> BalanceError:
    do = "begin the run again; do not touch the balance or its vessel until it ends"
    cause = f"the mass fell by {drop_ug} ug from one reading to the next ({shown(raw)}): tared, zeroed, or the vessel was moved"
    return BalanceError("tared", cause, do, raw)


def error_code(raw: str, meaning: str) -> BalanceError:
    return BalanceError("error_code", f"the balance reports an error: {meaning} ({shown(raw)})", "look it up in the balance's manual", raw)


def busy(raw: str) -> BalanceError:
    do = "wait until it has finished adjusting, taring or another command, then try again"
    return BalanceError("busy", f"the balance can't weigh at the moment ({shown(raw)})", do, raw)


def unstable(timeout_s: float, last: str) -> BalanceError:
    do = "keep draughts, vibration and drops away from the pan, let the flow end, and weigh again"
    return BalanceError("unstable", f"the balance was not stable within {timeout_s:g} s; its last line was {shown(last)}", do, last)


def no_answer(port_url: str, waited_s: float, protocol: str) -> BalanceError:
    do = "check its power, cable, baud rate, parity and protocol; "
    do += {
        "mt-sics": "set its interface to MT-SICS (host)",
        "sbi": "set it to print without waiting for stability",
        "plain": "set it to print continuously",
    }.get(protocol, "set a balance that only prints to print continuously")
    return BalanceError("no_answer", f"no answer from the balance on {port_url} within {waited_s:g} s ({protocol})", do)
