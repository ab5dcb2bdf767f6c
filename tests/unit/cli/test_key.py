"""`thecal key`: what is set, new keys by the stop button, one key for another computer, and no key where it does not belong."""

import importlib
import io
import json
import sys

import pytest

from support.host.keyed_pump import RELEASE_S, ROLES, KeyedPump
from thecal.cli import held_button
from thecal.pump import keys, signing

KEYS = {role: bytes([at + 1]) * 31 + b"\x00" for at, role in enumerate(ROLES)}
OTHERS = {role: bytes([at + 101]) * 31 + b"\x00" for at, role in enumerate(ROLES)}
verb = importlib.import_module("thecal.cli.verbs.key")  # the package has the function under this name


@pytest.fixture(autouse=True)
def two_computers(monkeypatch, tmp_path):
    """Return a function that sits down at a computer of this name."""
    monkeypatch.setattr(held_button, "ASK_EVERY_S", 0)

    def sit_at(name):
        monkeypatch.setenv("THECAL_RUNTIME", str(tmp_path / name))

    sit_at("first")
    return sit_at


@pytest.fixture
def pump():
    with KeyedPump() as fake:
        yield fake


@pytest.fixture
def run(thecal_says, pump):
    return lambda *words: thecal_says("key", *words, "--port", pump.port_url)


@pytest.fixture
def typed(monkeypatch):
    return lambda text: monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def set_up(pump, *roles, of=KEYS):
    pump.keys = dict(KEYS)
    if roles:
        keys.save(pump.unique_id, keys.Held({role: of[role] for role in roles}))


def texts_of(every):
    """Return each key in the forms in which it could be printed."""
    return [part for key in every.values() for part in (key.hex(), key.hex()[:16])]


def test_without_words_it_says_what_is_set_and_what_is_here(run, pump):
    assert "none set: everybody at the cable" in run()[1]
    set_up(pump, "look", "operate")
    code, out, err = run()
    assert code == 0 and "needs the key of its role" in out and "this computer has  look, operate" in out
    assert not any(text in out + err for text in texts_of(KEYS))
    assert json.loads(run("--json")[1]) == {"unique_id": "00a1", "keys": "set", "held": ["look", "operate"]}


@pytest.mark.rule("R10")
def test_new_says_what_to_do_at_the_pump_and_has_the_pump_prove_all_three(run, pump):
    pump.waits = [60, 59, RELEASE_S, RELEASE_S]
    code, out, err = run("new", "--yes")
    assert code == 0 and "its stop button, held for 2 s and released" in err
    assert err.count("hold it for 2 s, and release it when this says so") == 1 and err.count("release the stop button now") == 1
    assert "has new keys and has proved each; they are kept in a file that only you can read" in err
    assert keys.load(pump.unique_id) == keys.Held(pump.keys) and set(pump.keys) == set(ROLES)
    assert not any(text in out + err for text in texts_of(pump.keys)), "a key was printed"
    assert "this computer has  look, operate, program" in out


def test_nobody_at_the_button_changes_nothing_here_or_there(run, pump):
    pump.waits = [60, 1, ""]
    code, _, err = run("new", "--yes")
    assert code == 1 and "nobody held and released the stop button" in err
    assert pump.keys == {} and not keys.holds(pump.unique_id)


def test_a_no_and_a_dry_run_send_nothing(run, pump, typed):
    typed("n\n")
    assert run("new")[0] == 1
    code, _, err = run("new", "--dry-run")
    assert code == 0 and "keys then" in err and "nothing sent" in err
    assert "key.set" not in pump.executed and not keys.holds(pump.unique_id)


@pytest.mark.rule("R8")
def test_drawn_keys_are_here_before_the_pump_has_them(run, pump):
    seen = []
    taken = pump.do_key_set

    def look_first(keys_hex=None, **params):
        seen.append(keys.load(pump.unique_id))
        return taken(**params)

    pump.do_key_set = look_first
    assert run("new", "--yes")[0] == 0
    assert seen[0].keys == {} and signing.digits_of(seen[0].drawn) == signing.digits_of(pump.keys)


def test_a_second_computer_takes_one_key_and_may_do_no_more(run, pump, typed, two_computers, thecal_says):
    run("new", "--yes")
    code, line, err = run("show", "operate")
    assert code == 0 and line == signing.text_of("operate", pump.keys["operate"]) + "\n" and "thecal key add" in err
    shown = json.loads(run("show", "look", "--json")[1])
    assert shown == {"unique_id": "00a1", "role": "look", "key": pump.keys["look"].hex()}
    two_computers("second")
    code, _, err = thecal_says("start", "--port", pump.port_url)
    assert code == 1 and "has keys, and this computer has no key of it" in err and "thecal key show" in err
    typed(line)
    code, out, err = run("add")
    assert code == 0 and "the operate key of the pump 00a1 is kept" in err and pump.keys["operate"].hex() not in out + err
    code, _, err = thecal_says("name", "flow-1", "--port", pump.port_url)
    assert code == 1 and "only its operate key: name.set needs program" in err and pump.name == ""
    code, _, err = run("show", "program")
    assert code == 1 and "does not have the program key" in err


def test_a_key_comes_from_a_file_or_from_stdin(run, pump, typed, tmp_path):
    set_up(pump)
    (tmp_path / "key.txt").write_text(signing.text_of("look", KEYS["look"]) + "\n")
    assert run("add", "--from", tmp_path / "key.txt")[0] == 0
    typed(KEYS["program"].hex() + "\n")
    assert run("add", "program", "--from", "-")[0] == 0
    assert keys.load(pump.unique_id).keys == {"look": KEYS["look"], "program": KEYS["program"]}


@pytest.mark.rule("R10")
@pytest.mark.parametrize(
    ("text", "words", "code", "said"),
    [
        (signing.text_of("look", OTHERS["look"]), (), 1, "this is not the look key of the pump 00a1"),
        (KEYS["look"].hex(), ("operate",), 1, "this is not the operate key"),
        (KEYS["look"].hex(), (), 2, "does not say the role"),
        (signing.text_of("look", KEYS["look"]), ("operate",), 2, "this is the look key, not the operate key"),
        ("look 0123", (), 2, "a key has 64 digits, this text has 4"),
        ("", (), 1, "no key on stdin"),
    ],
)
def test_a_wrong_key_is_not_kept_and_not_shown(run, pump, typed, text, words, code, said):
    set_up(pump)
    typed(text)
    found, out, err = run("add", *words)
    assert found == code and said in err and not keys.holds(pump.unique_id)
    assert not any(part in out + err for part in [*texts_of(KEYS), *texts_of(OTHERS)])


def test_roll_is_signed_by_the_old_program_key_and_makes_the_others_void(run, pump, two_computers, thecal_says):
    set_up(pump, *ROLES)
    two_computers("second")
    keys.save(pump.unique_id, keys.Held({"operate": KEYS["operate"]}))
    code, _, err = run("roll", "--yes")
    assert code == 1 and "does not have the program key" in err and "thecal key new" in err
    two_computers("first")
    pump.waits = [60]  # nobody is at the button
    code, _, err = run("roll", "--yes")
    assert code == 0 and "allowed by  the program key on this computer" in err and pump.waits == [60]
    assert pump.keys == keys.load(pump.unique_id).keys and not set(pump.keys.values()) & set(KEYS.values())
    two_computers("second")
    code, _, err = thecal_says("start", "--port", pump.port_url)
    assert code == 1 and "the operate key on this computer is not the pump's" in err


def test_who_lost_the_program_key_draws_others_at_the_pump(run, pump):
    set_up(pump, *ROLES, of=OTHERS)
    pump.waits = [60, RELEASE_S]
    code, _, err = run("new", "--yes")
    assert code == 0 and "its stop button" in err and keys.load(pump.unique_id).keys == pump.keys


def test_forget_takes_the_keys_away_there_and_here(run, pump, thecal_says):
    set_up(pump, *ROLES)
    code, out, err = run("forget", "--yes")
    assert code == 0 and pump.keys == {} and not keys.holds(pump.unique_id) and "none set" in out
    assert thecal_says("name", "flow-1", "--port", pump.port_url)[0] == 0
    code, _, err = run("forget", "--yes")
    assert code == 1 and "has no keys" in err


def test_forget_here_leaves_the_pump_alone(run, pump):
    set_up(pump, *ROLES)
    assert run("forget", "--here", "--dry-run")[0] == 0 and keys.holds(pump.unique_id)
    code, _, err = run("forget", "--here", "--yes")
    assert code == 0 and pump.keys == KEYS and not keys.holds(pump.unique_id) and "without a copy on another computer" in err
    assert run("forget", "--here", "--yes")[0] == 1


def test_damaged_keys_are_drawn_anew_at_the_pump(run, pump, thecal_says):
    set_up(pump, *ROLES)
    pump.keys_state = "damaged"
    assert "damaged: nobody has a key that counts" in run()[1]
    code, _, err = thecal_says("name", "flow-1", "--port", pump.port_url)
    assert code == 1 and "the keys of the pump are damaged" in err and "thecal key new" in err
    assert run("roll", "--yes")[0] == 1
    pump.waits = [60, RELEASE_S]
    assert run("new", "--yes")[0] == 0 and pump.state_of_keys() == "set"


@pytest.mark.parametrize("what", ["new", "roll", "forget"])
def test_a_pump_that_runs_is_named_first(run, pump, what):
    if what != "new":
        set_up(pump, *ROLES)
    pump.state = "running"
    code, _, err = run(what, "--yes")
    assert code == 1 and "the pump is running; nothing was changed" in err and "thecal stop" in err
    assert "key.set" not in pump.executed


def test_keys_are_not_set_through_a_network(run, pump, monkeypatch):
    monkeypatch.setattr("thecal.cli.rekeying.LOCAL", "socket://nowhere")
    code, _, err = run("new", "--yes")
    assert code == 1 and "not through a network" in err and "key.set" not in pump.executed


def test_new_and_roll_send_each_other_where_they_belong(run, pump):
    assert "thecal key new" in run("roll", "--yes")[2]
    set_up(pump, *ROLES)
    code, _, err = run("new", "--yes")
    assert code == 1 and "thecal key roll" in err


def test_an_old_firmware_is_named(run, pump):
    pump.known.remove("key.set")
    code, _, err = run()
    assert code == 1 and "does not know key.set" in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nwe",), "none of new, show, add, roll, forget"),
        (("show",), "thecal key show operate"),
        (("show", "king"), "the roles are look, operate, program"),
        (("new", "look"), "takes no role"),
        (("new", "--from", "x"), "--from does not belong"),
        (("new", "--here"), "--here does not belong"),
        (("add", "--from", "nosuch"), "nosuch can't be read"),
    ],
)
def test_wrong_words_are_2_and_send_nothing(run, pump, words, said):
    set_up(pump)
    code, _, err = run(*words)
    assert code == 2 and said in err and "key.set" not in pump.executed


def test_status_says_whether_keys_are_set(thecal_says, pump):
    assert "keys         none: everybody" in thecal_says("status", "--port", pump.port_url)[1]
    set_up(pump, *ROLES)
    assert "keys         set:" in thecal_says("status", "--port", pump.port_url)[1]
    keys.forget(pump.unique_id)
    code, out, err = thecal_says("status", "--port", pump.port_url)
    assert code == 0 and "state        stopped" in out and err == ""
    assert json.loads(thecal_says("status", "--json", "--port", pump.port_url)[1])["keys"] == "set"


@pytest.mark.rule("R8")
def test_stop_asks_for_no_key_and_for_no_challenge(thecal_says, pump):
    set_up(pump)
    pump.state = "running"
    code, out, _ = thecal_says("stop", "--port", pump.port_url)
    assert code == 0 and out.startswith("stopped") and pump.state == "stopped" and pump.lines[0] == b"stop"


def test_the_shapes_of_json_hold(run, pump):
    from pydantic import TypeAdapter

    from thecal.cli.schema.verbs import SHAPES

    set_up(pump, *ROLES)
    for words in ((), ("show", "look"), ("roll", "--yes"), ("forget", "--dry-run")):
        TypeAdapter(SHAPES["key"]).validate_json(run(*words, "--json")[1], strict=True)
