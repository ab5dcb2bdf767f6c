"""Which function answers which method. Those that must need no flash are always here; the others are loaded when asked for."""

import sys

from app.handlers import bolus_token, hello, status, stop
from pumpcore.faults import Refusal

if 0:  # for the type checker alone
    from app.types import Handler, System

_FOLDER = "app.handlers."
# What several of them need, given back with them.
_WITH_THEM = (
    "app.bridge",
    "app.lines",
    "app.naming",
    "app.programs",
    "pumpcore.crossing",
    "pumpcore.forecast",
    "pumpcore.front",
    "pumpcore.journal_identity",
    "pumpcore.program",
    "pumpcore.limits",
    "pumpcore.order_limits",
    "pumpcore.settings",
    "pumpcore.settings_check",
    "pumpcore.settings_limits",
    "pumpcore.wire.gaps",
    "pumpcore.wire.record_types",
)

HANDLERS: "dict[str, Handler]" = {"hello": hello.hello, "status": status.status, "stop": stop.stop, "bolus.token": bolus_token.bolus_token}


class Loader:
    """The handler of `a.b` is the function `a_b` of `app.handlers.a_b`. The one that was loaded last stays until another is
    wanted: one question asked again and again reads the flash once, and a pump holds one such handler at most.

    What a handler makes that outlives its answer (a bolus, a record) must be of a class that is always in memory: of a module
    that is loaded here and given back, each new copy would be another one.
    """

    def __init__(self, system: "System") -> None:
        self._system = system
        self._method = ""
        self._handler: "Handler | None" = None

    def handler(self, method: str) -> "Handler":
        """The function that answers `method`. Refusal `not_loaded` when flash or memory does not give it: nothing has happened."""
        if method != self._method:
            self._give_back(_family(method) == _family(self._method))
            try:
                name = method.replace(".", "_")
                self._handler = getattr(__import__(_FOLDER + name, None, None, (name,)), name)
            except (ImportError, OSError, MemoryError, ValueError, RuntimeError, AttributeError) as error:
                self._give_back()
                raise Refusal("not_loaded", cause=repr(error)[:80])
            self._method = method
        return self._handler

    def _give_back(self, keeps: bool = False) -> None:
        """Also what a failed import left half done. `keeps`: not what the next handler needs too."""
        self._method, self._handler = "", None
        kept = [_FOLDER + method.replace(".", "_") for method in HANDLERS] + [_FOLDER + "table"]
        given = [name for name in sys.modules if name.startswith(_FOLDER) and name not in kept]
        self._system.forget(*given, *(() if keeps else _WITH_THEM))


def _family(method: str) -> str:
    """What stands before the point: program.stage, check and activate follow one another, and to load what they need takes 0.4 s."""
    return method.split(".")[0]
