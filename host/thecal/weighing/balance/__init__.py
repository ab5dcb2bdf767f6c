"""Read a balance on a serial port: `open_balance` returns weights in whole micrograms, or raises a BalanceError with the reason."""

from thecal.weighing.balance.errors import BalanceError
from thecal.weighing.balance.reading import Reading
from thecal.weighing.balance.session import Balance, open_balance

__all__ = ["Balance", "BalanceError", "Reading", "open_balance"]
