"""Reading a balance on a serial port: `open_balance` gives weights in whole micrograms, or a BalanceError that says why not."""

from thecal.weighing.balance.errors import BalanceError
from thecal.weighing.balance.reading import Reading
from thecal.weighing.balance.session import Balance, open_balance

__all__ = ["Balance", "BalanceError", "Reading", "open_balance"]
