"""The Python interface with a fake pump: the reviews of the command line, consent, what makes a review void, errors from one root."""

import inspect
import threading

import pytest

import thecal
from support.host.therapy_pump import TherapyPump
from thecal import errors
from thecal.api import review
from thecal.api.person import Person
from thecal.api.pump import Pump

LAST = {"token": "00000000000000aa", "state": "done", "rate_nl": 1, "rate_seconds_s": 3600, "ordered_steps": 10, "delivered_steps": 10,
        "volume_nl": 50_000, "purpose": "manual", "begins_at_ms": 0}  # fmt: skip
PRESCRIPTION = {"title": "t", "drug": "water", "basal": {"rate": "1 mL/h"}}
TOML = 'title = "t"\ndrug = "water"\n[basal]\nrate = "1 mL/h"\n'


class OtherBoot(TherapyPump):
    """A pump whose boot number, last bolus and calibration a test can change."""

    last_bolus = None
    pair = None

    def do_status(self):
        told = super().do_status()
        told |= {"bolus": self.last_bolus} if self.last_bolus else {}
        return told | ({"calibration": self.pair} if self.pair else {})


@pytest.fixture
def fake():
    with OtherBoot() as one:
        one.known.append("bolus.start")
        yield one


@pytest.fixture
def pump(fake, monkeypatch, tmp_path):
    monkeypatch.setenv("THECAL_RUNTIME", str(tmp_path / "runtime"))
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setattr("thecal.api.session.RECENT_S", 0.0)  # every order looks at the pump again
    with thecal.open(fake.port_url) as opened:
        yield opened


PREPARED = {
    "run": (lambda pump: pump.prepare_run("1 uL/h", duration="2 h", stage=False), ("run", "1 uL/h", "--for", "2 h", "--dry-run")),
    "bolus": (lambda pump: pump.prepare_bolus("60 uL", "1 mL/h"), ("bolus", "60 uL", "--rate", "1 mL/h", "--dry-run")),
    "extended": (lambda pump: pump.prepare_bolus("0.1 mL", over="4 h"), ("bolus", "0.1 mL", "--extended", "4 h", "--dry-run")),
    "demand": (lambda pump: pump.prepare_bolus(), ("bolus", "--demand", "--dry-run")),
    "prime": (lambda pump: pump.prepare_prime("2 mL/h"), ("prime", "--rate", "2 mL/h", "--dry-run")),
    "temporary": (lambda pump: pump.prepare_temporary("50 %", "2 h"), ("temporary", "50 %", "--for", "2 h", "--dry-run")),
}


@pytest.mark.parametrize("kind", PREPARED)
def test_a_review_is_the_one_of_the_command_line_and_sends_nothing(pump, fake, thecal_says, kind: str) -> None:
    prepare, words = PREPARED[kind]
    made = prepare(pump)
    pump.close()
    code, _, err = thecal_says(*words, "--port", fake.port_url)
    assert code == 0
    assert made.text + "\n" + err.splitlines()[-1] + "\n" == err
    assert made.kind == kind and made.question.endswith("?")
    assert made.data["rows"] == made.rows and made.data["orders"][0]["method"]
    assert not fake.asked and "program.activate" not in fake.executed


ORDERS = {
    "run": lambda pump, confirm: pump.run("1 uL/h", duration="2 h", confirm=confirm),
    "program": lambda pump, confirm: pump.program(PRESCRIPTION, confirm=confirm),
    "start": lambda pump, confirm: pump.start(confirm, zone="UTC"),
    "bolus": lambda pump, confirm: pump.bolus("60 uL", "1 mL/h", confirm=confirm),
    "extended": lambda pump, confirm: pump.bolus("0.1 mL", over="4 h", confirm=confirm),
    "demand": lambda pump, confirm: pump.demand(confirm),
    "prime": lambda pump, confirm: pump.prime("2 mL/h", confirm=confirm),
    "temporary": lambda pump, confirm: pump.temporary("50 %", "2 h", confirm=confirm),
}
CHANGES = {"program.activate", "start", "clock.set", "bolus.token", "bolus.start"}


@pytest.mark.parametrize("kind", ORDERS)
def test_an_order_that_is_not_confirmed_changes_nothing(pump, fake, kind: str) -> None:
    seen = []
    with pytest.raises(thecal.NotConfirmed, match="nothing was changed"):
        ORDERS[kind](pump, lambda one: seen.append(one) is not None)
    assert [one.kind for one in seen] == [kind]
    assert not CHANGES & set(fake.executed) and not fake.asked


@pytest.mark.parametrize("confirm", [None, lambda one: True], ids=["without confirm", "confirmed"])
@pytest.mark.parametrize("kind", ORDERS)
def test_an_order_is_sent_once(pump, fake, kind: str, confirm) -> None:
    order = ORDERS[kind](pump, confirm)
    assert isinstance(order, thecal.Order) and order.kind == kind and order.text
    assert len(order.digest) in (0, 64)
    assert len(CHANGES & set(fake.executed)) or len(fake.asked) == 1


def test_a_review_is_carried_out_once(pump, fake) -> None:
    made = pump.prepare_temporary("50 %", "2 h")
    made.carry_out()
    with pytest.raises(thecal.Stale, match="already"):
        made.carry_out()
    assert len(fake.asked) == 1


def test_two_threads_carry_one_review_out_once(pump, fake) -> None:
    made, ends = pump.prepare_temporary("50 %", "2 h"), []

    def carry_out() -> None:
        try:
            ends.append(made.carry_out())
        except thecal.Stale as stale:
            ends.append(stale)

    threads = [threading.Thread(target=carry_out) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(fake.asked) == 1 and sum(isinstance(one, thecal.Order) for one in ends) == 1 and len(ends) == 4


def restarted(fake) -> None:
    fake.boot += 1


def other_board(fake) -> None:
    fake.unique_id = "1" * 16


def reprogrammed(fake) -> None:
    fake.active = b""


def running(fake) -> None:
    fake.state = "running"


def dosed(fake) -> None:
    fake.last_bolus = LAST


def weighed(fake) -> None:
    fake.pair = {"volume_nl": 1_000_003, "steps": 99_990, "state": "CALIBRATED"}


@pytest.mark.parametrize("change", [restarted, reprogrammed, running, dosed, weighed], ids=lambda change: change.__name__)
@pytest.mark.parametrize("kind", PREPARED)
def test_a_review_is_void_if_the_pump_is_another_one_than_reviewed(pump, fake, kind: str, change) -> None:
    made = PREPARED[kind][0](pump)
    change(fake)
    with pytest.raises(thecal.Stale, match="changed after the review; nothing was sent"):
        made.carry_out()
    assert not CHANGES & set(fake.executed) and not fake.asked


def test_another_board_on_the_port_gets_no_order(fake, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("THECAL_RUNTIME", str(tmp_path / "runtime"))
    with thecal.open(fake.port_url, hold=False) as pump:
        made = pump.prepare_temporary("50 %", "2 h")
        other_board(fake)
        for call in (made.carry_out, pump.status, lambda: pump.bolus("60 uL", "1 mL/h")):
            with pytest.raises(thecal.WrongDevice, match="another pump"):
                call()
    assert not fake.asked


def test_without_hold_the_port_is_free_between_two_calls(fake, monkeypatch, tmp_path) -> None:
    """The fake pump serves one client at a time: a second one would wait for ever."""
    monkeypatch.setenv("THECAL_RUNTIME", str(tmp_path / "runtime"))
    with thecal.open(fake.port_url, hold=False) as one, thecal.open(fake.port_url, hold=False) as other:
        for _ in range(3):
            assert one.status().state == other.status().state == "stopped"


def test_a_prescription_is_a_path_a_text_or_tables(pump, fake, tmp_path) -> None:
    path = tmp_path / "rx.toml"
    path.write_text(TOML)
    digests = {pump.prepare_program(one).digest for one in (path, str(path), TOML, PRESCRIPTION)}
    assert len(digests) == 1
    with pytest.raises(thecal.BadInput, match=r"prescription: basal\.rate: "):
        pump.program({**PRESCRIPTION, "basal": {"rate": "1"}})
    with pytest.raises(thecal.BadInput, match="prescription"):
        pump.program({**PRESCRIPTION, "basal": {"rate": object()}})
    with pytest.raises(thecal.BadInput, match=r"missing\.toml"):
        pump.program("missing.toml")


def test_an_active_program_is_not_uploaded_again(pump, fake) -> None:
    pump.program(PRESCRIPTION)
    count = fake.executed.count("program.activate")
    made = pump.prepare_program(PRESCRIPTION)
    assert not made.question and not made.orders and made.data["unchanged"]
    order = pump.program(PRESCRIPTION, confirm=lambda one: pytest.fail("nothing to ask"))
    assert order.text.startswith("unchanged") and fake.executed.count("program.activate") == count == 1


def test_the_program_comes_back_as_a_prescription(pump) -> None:
    pump.program(PRESCRIPTION)
    assert 'rate = "1 mL/h"' in pump.prescription()
    assert pump.prepare_program(pump.prescription()).data["unchanged"]


def test_the_replaced_program_comes_back(pump, fake) -> None:
    before = fake.active
    pump.run("1 uL/h", duration="2 h")
    fake.state = "stopped"
    assert fake.active != before
    pump.restore()
    assert fake.active == before


def test_a_clock_moves_only_if_somebody_agreed(pump, fake) -> None:
    pump.program(PRESCRIPTION)
    fake.utc_s, fake.zone = 1_700_000_000, (0, 0, 0)
    with pytest.raises(thecal.Failed, match="nobody was asked"):
        pump.start()
    assert "clock.set" not in fake.executed
    seen = []
    pump.start(lambda one: bool(seen.append(one) or True))
    assert "moves" in seen[0].text and "clock.set" in fake.executed


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda pump: pump.bolus("60 uL"), "a rate or a time"),
        (lambda pump: pump.bolus("60 uL", "1 mL/h", over="1 h"), "a rate or a time"),
        (lambda pump: pump.prepare_bolus(rate="1 mL/h"), "needs a volume"),
        (lambda pump: pump.run("1 mL"), "is a volume, not a rate"),
        (lambda pump: pump.run(), "nothing to run"),
        (lambda pump: pump.run("1 mL/h", volume="1 mL", duration="1 h"), "too much"),
        (lambda pump: pump.run("1 mL/h", drug=" "), "empty"),
        (lambda pump: pump.temporary("x", "1 h"), "x"),
        (lambda pump: pump.cancel("nonsense"), "not a token"),
        (lambda pump: pump.dose("nonsense"), "not a token"),
        (lambda pump: pump.ack("nonsense"), "not a fault"),
        (lambda pump: pump.journal("nonsense"), "not a ring"),
        (lambda pump: pump.journal(from_sequence=3), "name the ring|counts its own"),
        (lambda pump: pump.records("nonsense"), "not a ring"),
        (lambda pump: pump.samples("0 s"), "positive"),
        (lambda pump: pump.start(zone="Nowhere"), "not a time zone"),
        (lambda pump: pump.report("/nonexistent/folder/x.html"), "no folder"),
    ],
)
def test_what_can_not_be_right_is_refused_before_anything_is_sent(pump, fake, call, words: str) -> None:
    with pytest.raises(thecal.ThecalError, match=words):
        call(pump)
    assert not CHANGES & set(fake.executed) and not fake.asked


def test_a_wait_needs_an_order_with_an_end(pump, fake) -> None:
    endless = pump.run("1 uL/h")
    with pytest.raises(thecal.BadInput, match="without an end"):
        pump.wait(endless)
    fake.state = "stopped"
    with pytest.raises(thecal.BadInput, match="without an end"):
        pump.wait(pump.program(PRESCRIPTION))


def test_every_error_has_one_root_and_is_public() -> None:
    for name, one in vars(errors).items():
        if inspect.isclass(one) and one.__module__ == errors.__name__ and issubclass(one, Exception):
            assert issubclass(one, thecal.ThecalError) and getattr(thecal, name) is one
    for one in (review.NotConfirmed, review.Stale):
        assert issubclass(one, thecal.ThecalError)


def test_a_person_is_asked_for_a_fluid_that_nobody_knows(fake, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("THECAL_RUNTIME", str(tmp_path / "runtime"))

    class Knows(Person):
        def fluid(self) -> str:
            return "tea"

    fake.active = b""
    with Pump(fake.port_url, person=Knows()) as pump:
        assert ("fluid", "tea") in pump.prepare_run("1 uL/h", stage=False).rows
    with thecal.open(fake.port_url) as pump, pytest.raises(thecal.Failed, match="fluid is not known"):
        pump.run("1 uL/h")


def test_a_stop_leaves_no_connection_that_passed_another_program_s_lock(pump, fake) -> None:
    pump.run("1 uL/h")
    assert pump.stop().data["state"] == "stopped" and fake.state == "stopped"
    assert not pump.facts().client.shared()
    assert pump.status().state == "stopped"


def test_a_stop_in_a_callback_of_the_same_thread_ends(pump) -> None:
    """The stop holds its gate against other threads only."""
    order = pump.run("1 uL/h", duration="2 h")
    with pytest.raises(thecal.ThecalError, match="ended early"):
        pump.wait(order, on_progress=lambda done, whole: pump.stop())
