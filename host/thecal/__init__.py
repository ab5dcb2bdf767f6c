"""thecal: the host side of a programmable bench pump. A bench instrument: never for a person or an animal.

`thecal.open(port_or_name)` and `thecal.simulated()` give a `Pump`. The docs of every public name: host/api/README.md.
"""

from __future__ import annotations

TYPE_CHECKING = False  # a type checker knows the name; the module `typing` would take longer than all the rest
if TYPE_CHECKING:
    from typing import Any

    from thecal.api import aio as aio
    from thecal.api.opening import open as open
    from thecal.api.opening import simulated as simulated
    from thecal.api.outcome import Outcome as Outcome
    from thecal.api.pump import Pump as Pump
    from thecal.api.review import NotConfirmed as NotConfirmed
    from thecal.api.review import Order as Order
    from thecal.api.review import Part as Part
    from thecal.api.review import Review as Review
    from thecal.api.review import Stale as Stale
    from thecal.api.running import Fluid as Fluid
    from thecal.api.status import Status as Status
    from thecal.api.stopping import Stopped as Stopped
    from thecal.errors import BadAnswer as BadAnswer
    from thecal.errors import BadInput as BadInput
    from thecal.errors import Failed as Failed
    from thecal.errors import InAlarm as InAlarm
    from thecal.errors import LinkLost as LinkLost
    from thecal.errors import NoKey as NoKey
    from thecal.errors import NoPump as NoPump
    from thecal.errors import PortBusy as PortBusy
    from thecal.errors import Refused as Refused
    from thecal.errors import Silent as Silent
    from thecal.errors import ThecalError as ThecalError
    from thecal.errors import Unknown as Unknown
    from thecal.errors import WrongDevice as WrongDevice
    from thecal.errors import WrongProtocol as WrongProtocol
    from thecal.files.version import __version__ as __version__

# Where the public names are. A name is loaded when it is first used, so that `import thecal` and `thecal --help` stay quick.
_PLACES = {
    "thecal.api.opening": "open simulated",
    "thecal.api.pump": "Pump",
    "thecal.api.review": "Review Order Part NotConfirmed Stale",
    "thecal.api.running": "Fluid",
    "thecal.api.status": "Status",
    "thecal.api.stopping": "Stopped",
    "thecal.api.outcome": "Outcome",
    "thecal.errors": "ThecalError Refused Failed PortBusy WrongProtocol BadInput NoPump WrongDevice Silent LinkLost Unknown BadAnswer "
    "InAlarm NoKey",
    "thecal.files.version": "__version__",
}
_PLACE_OF = {name: place for place, names in _PLACES.items() for name in names.split()}

__all__ = [*_PLACE_OF, "aio"]  # noqa: PLE0604  texts, made from the table


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name == "aio":
        return import_module("thecal.api.aio")
    if name not in _PLACE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(_PLACE_OF[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
