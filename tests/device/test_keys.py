"""A pump with keys, and people at several computers: who may do what, what stays open, and what happens if a key is lost."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest

from pumpcore.wire.messages import DEFAULTS, METHODS
from support.host.cli import Tool, Visit
from support.programs import constant
from support.rig.device import Device, Figures
from thecal.errors import Refused
from thecal.pump import signing
from thecal.pump.client import Client
from thecal.pump.signing import ROLES, Signature

pytestmark = pytest.mark.needs("plant", "real_time")
RX = 'title = "Feed"\ndrug = "water"\nafter_power_loss = "stop"\n[basal]\nrate = "1 mL/h"\n'
VALUES = {"integer": lambda low, high: low, "hex": lambda count, _: "0" * count, "choice": lambda words, _: words[0],
          "text": lambda low, high: "x" * low, "base64": lambda low, high: "AAAA"}  # fmt: skip
LAST = ("maintenance", "key.set")  # after these the pump is another one
STOPS, STOP_COMMAND_S = 5, 1.0


@pytest.fixture
def device() -> Iterator[Device]:
    with Device(speed=10.0) as running:
        yield running


@pytest.fixture
def computers(device: Device, tmp_path: Path) -> dict[str, Visit]:
    """Two computers at one pump: each has a folder of its own for what it remembers."""
    found = {}
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "rx.toml").write_text(RX.replace("Feed", f"Feed of the {name}"))
        found[name] = Visit(device, tmp_path / name)
    return found


def by_button(device: Device, visit: Visit, *words: str) -> tuple[str, str]:
    """Type a verb that needs a person at the pump, who then holds and releases the button."""

    def hold() -> None:
        time.sleep(1.5)
        device.sim.press_stop(hold_s=30)

    person = threading.Thread(target=hold)
    person.start()
    try:
        return visit.types(*words)
    finally:
        person.join()


def give(source: Visit, target: Visit, role: str) -> None:
    """Copy a key from one computer to another, as people do: print it, paste it."""
    (target.folder / "key.txt").write_text(source.types("key", "show", role)[0])
    target.types("key", "add", "--from", "key.txt")


def drawn(device: Device, hold_s: float = 30) -> dict[str, bytes]:
    """Give the pump keys by its button, held for so long in its own time, without the tool. Return them."""
    keys = signing.drawn()
    device.client.hello()
    assert device.client.key_set(keys, by_button=True)["done"] is False
    time.sleep(0.1)
    device.sim.press_stop(hold_s=hold_s)
    end_s = time.monotonic() + 20
    while not device.client.key_set(keys, by_button=True)["done"]:
        assert time.monotonic() < end_s
        time.sleep(0.05)
    return keys


def always(role: str, key: bytes) -> signing.Signer:
    """Sign everything with this key, also what it is not good for."""
    return lambda method, body, challenge: Signature(role, signing.code_of(key, role, challenge, body))


def smallest(method: str) -> dict[str, object]:
    """Return parameters that the schema takes."""
    schema = METHODS[method][0]
    return {name: VALUES[kind[0]](*kind[1:]) for name, kind in schema.items() if name not in DEFAULTS}


def fault_of(client: Client, method: str) -> str:
    """Return the fault with which the pump refuses a method; "" if it does it."""
    try:
        client.ask(method, smallest(method))
    except Refused as refused:
        return refused.fault
    return ""


def test_each_role_may_do_exactly_its_methods(device: Device, record_property: Figures) -> None:
    device.upload(constant(1_000_000))
    keys = drawn(device)
    device.client.close()
    methods = sorted(METHODS, key=LAST.__contains__)
    count = 0
    for rank, role in enumerate(ROLES):
        with Client(device.port_url, 5.0, signer=always(role, keys[role])) as client:
            client.status()
            for method in methods if role != "program" else methods[: -len(LAST)]:
                needed = METHODS[method][2]
                refused = bool(needed) and ROLES.index(needed) > rank
                fault = fault_of(client, method)
                assert (fault == "role") is refused and fault not in ("signature", "unsigned"), (role, method, fault)
                count += 1
    with Client(device.port_url, 5.0, signer=always("program", bytes(32))) as nobody:
        nobody.status()
        for method in methods:
            assert (fault_of(nobody, method) == "signature") is bool(METHODS[method][2]), method
            count += 1
        nobody.signing.wanted = False
        for method in methods:
            nobody.signing.once_more = lambda request, refused: False  # type: ignore[method-assign]
            fault = fault_of(nobody, method)
            # without a signature, the stop button decides about keys
            assert (fault == "unsigned") is (bool(METHODS[method][2]) and method != "key.set"), (method, fault)
            count += 1
    assert device.state() in ("stopped", "running") and device.client.status()["keys"] == "set"
    record_property("figure", f"keys: {count} pairs of key and method on the pump, {len(methods)} methods")


def test_a_first_key_a_colleague_and_a_colleague_who_left(device: Device, computers: dict[str, Visit]) -> None:
    first, second = computers.values()
    assert "none: everybody" in first.types("status")[0]
    first.types("program", "rx.toml", "--yes")
    _, err = by_button(device, first, "key", "new", "--yes")
    assert "press its stop button within 60 s" in err and "release the stop button now" in err and "has proved each" in err
    assert first.told("status")["alarms"] == []
    # the second computer may look at what is public, and stop
    assert second.told("key")["held"] == [] and "set: " in second.types("status")[0]
    second.types("alarms")
    assert "that needs its program key" in second.types("forecast", "rx.toml")[1]
    second.types("watch", "--count", "1")
    second.types("journal")
    for words in (("start",), ("bolus", "20 uL", "--rate", "2 mL/h", "--yes"), ("program", "rx.toml", "--yes"), ("read",)):
        _, err = second.types(*words, code=1)
        assert "has keys, and this computer has no key of it" in err and "thecal key add" in err, words
    # with the operate key it starts and doses, and changes no program
    give(first, second, "operate")
    second.types("start")
    token = second.told("bolus", "20 uL", "--rate", "2 mL/h", "--yes")["token"]
    assert second.told("bolus", "--status", token)["state"] in ("ordered", "waiting", "delivering", "done")
    second.types("read")
    for words in (("temporary", "50 %", "--for", "2 h", "--yes"), ("name", "flow-1"), ("maintenance", "--yes")):
        _, err = second.types(*words, code=1)
        assert "only its operate key" in err and "needs program" in err, words
    second.types("stop")
    # the colleague leaves: the keys are rolled, without a person at the pump
    _, err = first.types("key", "roll", "--yes")
    assert "the program key on this computer" in err and "press its stop button" not in err
    _, err = second.types("start", code=1)
    assert "the operate key on this computer is not the pump's" in err
    second.types("stop")
    first.types("name", "flow-1")
    changes = [(one["change"], one["by"]) for one in first.told("journal") if one["event"] == "keys_changed"]
    assert changes == [("set", "button"), ("set", "key")]
    refused = [one for one in first.told("journal", "--ring", "faults") if one["event"] == "keys_refused"]
    assert refused and sum(one["unsigned"] + one["signature"] for one in refused) >= 1
    # and in the end the pump is anybody's again
    first.types("key", "forget", "--yes")
    second.types("start")
    second.types("stop")


def test_keys_outlast_the_power_and_a_lost_key_is_replaced_at_the_pump(device: Device, computers: dict[str, Visit]) -> None:
    first, second = computers.values()
    by_button(device, first, "key", "new", "--yes")
    device.client.close()
    device.sim.cut_power()
    time.sleep(0.2)
    device.sim.restore_power()
    assert second.told("status")["keys"] == "set"
    first.types("name", "flow-1")
    # the first computer is lost
    _, err = second.types("key", "roll", "--yes", code=1)
    assert "does not have the program key" in err
    by_button(device, second, "key", "new", "--yes")
    second.types("name", "flow-2")
    _, err = first.types("name", "flow-3", code=1)
    assert "the program key on this computer is not the pump's" in err
    assert second.told("name")["name"] == "flow-2"


def test_a_press_that_nobody_released_and_nobody_at_all_change_nothing(device: Device, computers: dict[str, Visit]) -> None:
    first = computers["first"]
    _, err = first.types("key", "new", "--yes", code=1)
    assert "nobody held and released the stop button" in err
    assert first.told("key") == {"unique_id": first.told("key")["unique_id"], "keys": "none", "held": []}
    first.types("name", "flow-1")


@pytest.mark.rule("R8")
def test_a_stop_needs_no_key_and_no_more_time(tmp_path: Path, record_property: Figures) -> None:
    """In real time, each `thecal stop` in a new interpreter, without and with keys."""
    took_s: dict[str, list[float]] = {"none": [], "set": []}
    lag_ms: dict[str, list[int]] = {"none": [], "set": []}
    with Device(speed=1.0) as device:
        device.upload(constant(1_500_000))
        tool = Tool(tmp_path, forked=False)
        keys = {}
        for state in took_s:
            if state == "set":
                device.client.stop()
                keys = drawn(device, hold_s=3)
                device.client.signing.signer = signing.signer_of(keys)
            assert device.client.status()["keys"] == state
            for _ in range(STOPS):
                device.client.start()
                device.client.close()
                time.sleep(1.0)
                assert device.sim.enable_level()
                begun_s, begun_ms = time.monotonic(), device.sim.now_ms()
                done = tool.run("stop", "--port", device.port_url)
                took_s[state].append(time.monotonic() - begun_s)
                assert (done.returncode, done.stderr) == (0, "") and device.sim.enable_level() is False
                assert "delivered" in done.stdout
                lag_ms[state].append(device.sim.plant_last_step_ms() - begun_ms)
    without_s, with_s = (median(found) for found in took_s.values())
    without_ms, with_ms = (median(found) for found in lag_ms.values())
    record_property(
        "figure",
        f"thecal stop, {STOPS} times each: last step {without_ms:.0f} ms after it was typed without keys, {with_ms:.0f} ms with keys "
        f"and none on this computer; whole command {without_s:.2f} and {with_s:.2f} s",
    )
    assert with_s < max(STOP_COMMAND_S, 1.5 * without_s) and with_ms < max(1000 * STOP_COMMAND_S, 1.5 * without_ms)
