"""Handlers that are loaded on demand: a failure is a refusal, and at most one stays loaded."""

import sys
import types

import pytest

from app.wire.handlers.table import HANDLERS, Loader, file_of
from pumpcore.faults.faults import Refusal
from pumpcore.wire import messages
from support.programs import constant
from support.pump.running import UnitPump
from support.replies import fault_of
from thecal.deploy.files import module_of
from thecal.deploy.units import STAYS, simulated_files
from thecal.files.resources import firmware_folder

LOADED = sorted(set(messages.METHODS) - set(HANDLERS))
MUST_NEED_NO_FLASH = ("stop", "status", "hello")


class Forgetful:
    """Unload modules as the chip does, where all that stays in memory is one module."""

    FREED = frozenset(map(module_of, simulated_files(firmware_folder()))) - {STAYS}

    def forget(self, *modules: str) -> None:
        for name in self.FREED.intersection(modules):
            package, _, own = name.rpartition(".")
            if sys.modules.pop(name, None) and hasattr(sys.modules[package], own):
                delattr(sys.modules[package], own)

    def built(self) -> None:
        self.built_times = getattr(self, "built_times", 0) + 1

    def make_room(self) -> None:
        self.rooms = [*getattr(self, "rooms", []), present()]


def present() -> set:
    return {name.rsplit(".", 1)[1] for name in sys.modules if name.startswith("app.wire.handlers.")}


ALWAYS = {"table"}


@pytest.fixture(autouse=True)
def _as_before() -> object:
    before = dict(sys.modules)
    yield
    sys.modules.update(before)
    for name, module in before.items():
        if name.startswith(("app.", "pumpcore.")):
            package, _, own = name.rpartition(".")
            setattr(sys.modules[package], own, module)


def breaking(monkeypatch: pytest.MonkeyPatch, error: Exception, times: int = 1_000) -> None:
    """The next attempts to load a handler fail."""
    import builtins

    real, left = builtins.__import__, list(range(times))

    def load(name: str, *rest: object) -> object:
        if name.startswith("app.wire.handlers.") and left:
            left.pop()
            raise error
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", load)
    Forgetful().forget(*{f"app.wire.handlers.{file_of(method)}" for method in LOADED})


@pytest.mark.rule("R9")
def test_what_must_act_without_flash_is_always_loaded() -> None:
    assert set(MUST_NEED_NO_FLASH) <= set(HANDLERS)


@pytest.mark.parametrize("method", LOADED)
def test_the_handler_that_was_loaded_last_is_kept_and_no_other(method: str) -> None:
    """A handler that imports others unloads them together with itself."""
    loader, other = Loader(Forgetful()), "start" if file_of(method) == "alarms" else "ack"
    loader.handler(other)
    handler = loader.handler(method)
    assert handler.__name__ == method.replace(".", "_") and loader.handler(method) is handler
    assert present() >= ALWAYS | {file_of(method)} and file_of(other) not in present()
    loader.handler(other)
    assert present() == ALWAYS | {file_of(other)}


def test_what_the_commands_of_one_family_need_is_loaded_once() -> None:
    """A check took 0.36 s more when it had to load again what staging had just unloaded."""
    loader = Loader(Forgetful())
    for method in ("ack", "program.stage"):
        loader.handler(method)
    needed = sys.modules["app.programs.programs"]
    for method in ("program.check", "program.activate"):
        loader.handler(method)
        assert sys.modules.get("app.programs.programs") is needed and present() == ALWAYS | {file_of(method)}
    loader.handler("ack")
    assert "app.programs.programs" not in sys.modules


@pytest.mark.rule("R8")
@pytest.mark.parametrize("error", [OSError(5), MemoryError(), ImportError("no module"), ValueError("incompatible .mpy file")])
def test_a_handler_that_can_t_be_loaded_is_a_refusal(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    loader = Loader(Forgetful())
    breaking(monkeypatch, error)
    with pytest.raises(Refusal) as caught:
        loader.handler("bolus.start")
    assert caught.value.fault.name == "not_loaded" and "bolus" not in present()
    monkeypatch.undo()
    assert callable(loader.handler("bolus.start"))


@pytest.mark.rule("R8")
@pytest.mark.parametrize(("method", "answer"), [("program.read", ""), ("start", "not_stopped")])
def test_a_handler_that_found_no_memory_is_loaded_once_more_with_all_memory_free(
    monkeypatch: pytest.MonkeyPatch, method: str, answer: str
) -> None:
    """Nothing has happened yet, so that is harmless for a change too."""
    pump, system = UnitPump.running(constant(900_000)), Forgetful()
    pump.pump.session.loader = Loader(system)
    pump.call("alarms")
    breaking(monkeypatch, MemoryError(), 1)
    reply = pump.ask(method)
    assert (fault_of(reply) if "error" in reply else "") == answer and system.built_times == 1
    breaking(monkeypatch, OSError(5), 2)
    assert pump.fault("alarms") == "not_loaded" and system.built_times == 2


@pytest.mark.rule("R9")
def test_a_flash_that_gives_no_handler_disturbs_no_dose_and_no_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    pump = UnitPump.running(constant(900_000))
    breaking(monkeypatch, OSError(5))
    pump.pump.session.loader = Loader(Forgetful())
    assert [pump.fault(method) for method in ("start", "alarms", "program.read")] == ["not_loaded"] * 3
    before = pump.call("status")
    pump.advance(120)
    after = pump.call("status")
    assert after["state"] == "running" and after["delivered_steps"] > before["delivered_steps"] and not after["alarms"]
    assert pump.call("stop") and pump.call("status")["state"] == "stopped"


def test_a_pump_works_through_every_command_with_one_handler_at_a_time() -> None:
    pump = UnitPump.ready(constant(900_000))
    pump.pump.session.loader = Loader(Forgetful())
    pump.call("start")
    pump.advance(5)
    token = pump.token()
    ordered = pump.call("bolus.start", token=token, volume_nl=300_000, rate_nl=30_000_000)
    assert pump.call("bolus.status", token=token)["ordered_steps"] == ordered["ordered_steps"]
    assert pump.call("bolus.cancel", token=token)["token"] == token
    assert pump.call("journal.read", ring="events", from_sequence=1)["bytes"] > 0
    assert present() == ALWAYS | {"journal"}


def test_memory_is_collected_before_a_file_is_loaded() -> None:
    """What its command makes to stay would lie behind garbage, and cut the last large piece of memory in two."""
    system = Forgetful()
    loader = Loader(system)
    for method in ("alarms", "program.read", "ack", "program.stage", "alarms", "start"):
        loader.handler(method)
    assert system.rooms == [ALWAYS] * 6


def test_what_is_given_back_is_all_but_folders_and_the_file_of_what_stays() -> None:
    """Power-up's files too: nothing else frees them. Nothing of MicroPython's or of the hal is freed."""
    asked: list = []
    loader = Loader(types.SimpleNamespace(forget=lambda *modules: asked.extend(modules), make_room=lambda: None))
    loader.handler("program.stage")
    asked.clear()
    loader.give_back()
    lent = {"app.wire.handlers.program", "app.programs.programs", "pumpcore.program.packing", "app.startup.boot", "app.startup.recovery"}
    assert lent <= set(asked) <= {name for name in sys.modules if name.startswith(("app.", "pumpcore."))}
    assert not {"app.wire.handlers.table", "app.wire.handlers", "app.wire", "pumpcore.program"} & set(asked)
    asked.clear()
    loader.give_back(True)
    assert "app.wire.handlers.program" in asked and all(name.startswith("app.wire.handlers.") for name in asked)


def test_what_a_long_line_asks_for_is_loaded_while_the_line_arrives() -> None:
    """Loading takes a chip a quarter of a second: the answer does not wait for it."""
    pump = UnitPump.ready(constant(900_000))
    line = messages.encode(messages.request("00000000000000d1", "program.stage", {"program": "A" * 5_600}))
    pump.line(line[:1_000])
    assert pump.pump.session.loader.method != "program.stage"
    pump.line(line[1_000:1_300])
    assert pump.pump.session.loader.method == "program.stage"
    assert fault_of(messages.decode(pump.line(line[1_300:])[:-1])) == "program_size"
