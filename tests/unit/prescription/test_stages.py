"""A protocol in a prescription: stages and loops in the order of the file, compiled exactly; a wrong one gets its line and the nearest."""

import re
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumpcore.program import packing
from thecal.checks import program as program_checks
from thecal.checks.rigs import rig_of
from thecal.errors import BadInput
from thecal.prescription.compiler import compile_prescription
from thecal.prescription.file import load
from thecal.text.program import facts

HEAD = 'title = "t"\ndrug = "d"\nconcentration = "500 ug/mL"\n[protocol]\n'


def stage(*lines: str, inner: bool = False) -> str:
    return "\n".join([f"[[protocol.{'loop.' if inner else ''}stage]]", *lines, ""])


def loop(line: str, *stages: str) -> str:
    return "\n".join(["[[protocol.loop]]", line, *stages, ""])


ON = stage('rate = "1 mL/h"', 'for = "10 min"')
ON_INSIDE = stage('rate = "2 mL/h"', 'for = "10 min"', inner=True)
OFF_INSIDE = stage('pause = "50 min"', inner=True)
RAMP = stage('ramp = ["0 mL/h", "2 mL/h"]', 'for = "6 h"')


@pytest.fixture
def compiled(tmp_path):
    def compile_text(*parts: str, head: str = HEAD):
        path = tmp_path / "rx.toml"
        path.write_text(head + "".join(parts))
        return compile_prescription(load(path), "rx.toml").program

    return compile_text


def in_nl_per_s(program) -> list[tuple[int, Fraction, Fraction]]:
    seconds_s = program.rate_seconds_s
    return [(lasts_s, Fraction(begin, seconds_s), Fraction(end, seconds_s)) for lasts_s, begin, end in program.protocol.stages]


ML_PER_H = Fraction(1_000_000, 3600)


def test_stages_and_loops_run_in_the_order_of_the_file(compiled) -> None:
    program = compiled(ON, loop("times = 6", ON_INSIDE, OFF_INSIDE), RAMP, loop("forever = true", ON_INSIDE))
    assert [row[0] for row in program.protocol.stages] == [600, 600, 3000, 21_600, 600]
    assert list(program.protocol.loops) == [(1, 2, 6), (4, 1, 0)]
    first = compiled(loop("times = 6", ON_INSIDE, OFF_INSIDE), ON)
    assert list(first.protocol.loops) == [(0, 2, 6)]


def test_every_form_of_a_stage_is_exact(compiled) -> None:
    program = compiled(
        stage('volume = "5 mL"', 'for = "2 h"'),
        stage('volume = "50 uL"', 'rate = "2 mL/h"'),
        stage('rate = "120 ug/day"', 'for = "7 s"'.replace("7", "77")),
        stage('pause = "50 min"'),
        RAMP,
    )
    assert in_nl_per_s(program) == [
        (7200, Fraction(5_000_000, 7200), Fraction(5_000_000, 7200)),
        (90, 2 * ML_PER_H, 2 * ML_PER_H),
        (77, Fraction(240_000, 86_400), Fraction(240_000, 86_400)),
        (3000, Fraction(0), Fraction(0)),
        (21_600, Fraction(0), 2 * ML_PER_H),
    ]
    for lasts_s, begin, end in program.protocol.stages:
        assert (end - begin) % (2 * lasts_s) == 0  # whole at the middle of each second
    assert packing.pack(packing.unpack(packing.pack(program))) == packing.pack(program)


@pytest.mark.parametrize(
    ("lines", "start", "value"), [('start = "now"\n', 0, 0), ('start = "in 2 h"\n', 1, 7200), ('start = "at 06:00"\n', 2, 360), ("", 0, 0)]
)
def test_the_start(compiled, lines: str, start: int, value: int) -> None:
    protocol = compiled(lines, ON).protocol
    assert (protocol.start, protocol.start_value) == (start, value)


def times_of(error: BadInput) -> list[dict[int, str]]:
    """Return every remedy of a refusal: the new time of each stage that it changes."""
    together = re.findall(r'stage\[(\d)\]\.for = "(\d+ s)"', error.do)
    at = int(error.cause.split("stage[")[1][0]) - 1
    found = [{at: lasts} for lasts in re.findall(r' "(\d+ s)"', error.do)]
    assert found and error.do.startswith("the nearest possible: "), error.do
    return [{int(number) - 1: lasts for number, lasts in together}] if together else found


@given(
    seconds=st.lists(st.integers(10, 100_000), min_size=1, max_size=4),
    tops=st.lists(st.integers(0, 3000), min_size=5, max_size=5),
)
def test_random_ramps_are_exact_or_refused_with_a_time_that_works(tmp_path_factory, seconds: list[int], tops: list[int]) -> None:
    path = tmp_path_factory.mktemp("rx") / "rx.toml"
    parts = [stage(f'ramp = ["{a} uL/h", "{b} uL/h"]', f'for = "{lasts_s} s"') for lasts_s, a, b in zip(seconds, tops, tops[1:])]
    path.write_text(HEAD + "".join(parts))
    try:
        program = compile_prescription(load(path), "rx.toml").program
    except BadInput as error:
        assert "exactly together" in error.cause
        for changes in times_of(error):
            changed = [stage(part.split("\n")[1], f'for = "{changes[at]}"') if at in changes else part for at, part in enumerate(parts)]
            path.write_text(HEAD + "".join(changed))
            compile_prescription(load(path), "rx.toml")
        return
    for (lasts_s, begin, end), typed_s, a, b in zip(in_nl_per_s(program), seconds, tops, tops[1:]):
        assert (lasts_s, begin, end) == (typed_s, Fraction(a * 1000, 3600), Fraction(b * 1000, 3600))


def test_a_ramp_that_is_not_exact_names_the_nearest_time(compiled) -> None:
    hard = [stage('ramp = ["0 mL/h", "1.234567 mL/h"]', f'for = "{seconds} s"') for seconds in (9973, 9967)]
    with pytest.raises(BadInput) as error:
        compiled(*hard)
    assert "protocol.stage[2].for" in error.value.cause
    times = [word.strip('"').split()[0] for word in error.value.do.split("= ")[1].replace(" s", "").split(" or ")]
    for lasts_s in times:
        compiled(hard[0], hard[1].replace("9967", lasts_s.strip('"')))


@pytest.mark.parametrize(
    "ramps",
    [
        [("0.0184", "1.7625", 55_337), ("1.0", "2.0", 2274)],
        [("1.5246", "0.0042", 238), ("1.8905", "1.8029", 3345), ("0.0184", "1.7625", 55_337), ("1.0", "2.0", 2274)],
        [("2.0", "1.0", 206), ("0.0", "1.0", 88_341), ("0.2", "0.7", 65_943), ("1.52", "0.65", 1821)],
        [("1.9", "0.5", 71_708), ("0.424", "1.43", 179), ("2.0", "0.1", 3522), ("1.696", "0.574", 20_990)],
    ],
)
def test_the_nearest_times_are_accepted_together_with_the_later_stages(compiled, ramps) -> None:
    def parts(changes: dict[int, str]) -> list[str]:
        lasts = [changes.get(at, f"{lasts_s} s") for at, (_, _, lasts_s) in enumerate(ramps)]
        return [stage(f'ramp = ["{a} mL/h", "{b} mL/h"]', f'for = "{one}"') for (a, b, _), one in zip(ramps, lasts, strict=True)]

    with pytest.raises(BadInput) as error:
        compiled(*parts({}))
    for changes in times_of(error.value):
        compiled(*parts(changes))


WRONG = [
    ([stage('rate = "1 mL/h"')], "line 5: protocol.stage[1]: has rate", "two of rate, volume and for"),
    ([stage('rate = "1 mL/h"', 'volume = "1 mL"', 'for = "1 h"')], "protocol.stage[1]: has rate, volume and for", "two of"),
    ([ON, stage('rate = "1 mL"', 'for = "1 h"')], 'line 8: protocol.stage[2].rate: "1 mL" is a volume', "like"),
    ([stage('volume = "5 mL"', 'rate = "7 mL/h"')], "takes ~2571.429 s", 'for = "2571 s" or "2572 s"'),
    ([stage('volume = "1 uL"', 'rate = "7 mL/h"')], "a stage lasts 10 s", 'for = "10 s"'),
    ([stage('rate = "1 mL/h"', 'for = "9 s"')], "for of 9 s is out of range", '"10 s"'),
    ([stage('rate = "1 mL/h"', 'for = "2 fortnights"')], "is not a duration", "5 min"),
    ([stage('pause = "50 min"', 'for = "1 h"')], "a pause has no for", "pause alone"),
    ([stage('ramp = ["0 mL/h", "1 mL/h"]')], "a ramp needs for", "ramp = "),
    ([stage('ramp = ["0 mL/h", "1 mL/h"]', 'for = "1 h"', 'rate = "1 mL/h"')], "a ramp needs for, and nothing else", "ramp = "),
    ([stage('ramp = ["0 mL/h"]', 'for = "1 h"')], "protocol.stage[1].ramp has 1 rate, a ramp has two", "ramp = "),
    ([stage('ramp = ["0 mL/h", "1 mL/h", "2 mL/h"]', 'for = "1 h"')], "protocol.stage[1].ramp has 3 rates, a ramp has two", "ramp = "),
    ([stage('ramp = "1 mL/h"', 'for = "1 h"')], 'protocol.stage[1].ramp = "1 mL/h" is not two rates', "ramp = "),
    ([stage('ramp = ["0 mL/h", "1 ug/h"]', 'for = "1 h"')], "different kinds", "both"),
    ([stage('rate = "1 mL/h"', 'fro = "1 h"')], "protocol.stage[1].fro is not a key", "did you mean for?"),
    ([loop("times = 0", ON_INSIDE)], "protocol.loop[1].times = 0 is not a number of times", "1 to 4294967295"),
    ([loop('times = "3"', ON_INSIDE)], 'protocol.loop[1].times = "3" is not a number of times', "without quotes"),
    ([loop("times = 5000000000", ON_INSIDE)], "protocol.loop[1].times = 5000000000 is not", "1 to 4294967295"),
    (['[protocol.stage]\nrate = "1 mL/h"\nfor = "1 h"\n'], "protocol.stage is a single table", "[[protocol.stage]]"),
    ([loop("times = 2"), '[protocol.loop.stage]\npause = "1 h"\n'], "protocol.loop[1].stage is a single table", "[[protocol.loop.stage]]"),
    ([loop("times = 2", ON_INSIDE), "[[protocol.loop.loop]]\ntimes = 2\n"], "protocol.loop[1].loop is not a key", "one level deep"),
    ([loop("times = 2", 'forever = true', ON_INSIDE)], "needs either times or forever", "times = 6"),
    ([loop("", ON_INSIDE)], "needs either times or forever", "times = 6"),
    ([loop("times = 2")], "protocol.loop[1].stage is missing", ""),
    ([ON, loop("forever = true", ON_INSIDE), ON], "runs forever, so protocol.stage[2] after it never comes", "times"),
    ([loop("times = 2", stage('rate = "1 mL"', 'for = "1 h"', inner=True))], "line 7: protocol.loop[1].stage[1].rate", "like"),
    (['then = "hold"\n', stage('pause = "1 h"')], "keeps the last rate, and protocol.stage[1] ends without one", "stop"),
    (['then = "hold"\n', loop("forever = true", ON_INSIDE)], "runs forever", "remove then"),
    (['then = "wait"\n', ON], 'protocol.then = "wait" is not one of the choices', "stop"),
    (['start = "tomorrow"\n', ON], "protocol.start", '"in 2 h"'),
    (['start = "at 6:00"\n', ON], "protocol.start", '"06:00"'),
    (['start = "in 0 s"\n', ON], "protocol.start", "above zero"),
    ([], "protocol: has no stage", "[[protocol.stage]]"),
    ([ON] * 65, "has 65 stages", "at most 64"),
    ([stage('volume = "0 mL"', 'for = "1 h"')], "is zero", "pause"),
    ([stage('volume = "1 mL"', 'rate = "0 mL/h"')], "is zero", "above zero"),
    ([ON, "[basal]\nrate = \"1 mL/h\"\n"], "basal: stands beside [protocol]", "remove one"),
    (['loop = [{times = 2, stage = [{pause = "1 h"}]}]\n', ON], "the order of stages and loops is not clear", "[[protocol.loop]]"),
]


@pytest.mark.parametrize(("parts", "cause", "do"), WRONG)
def test_a_wrong_protocol_gets_one_line_with_its_remedy(compiled, parts: list[str], cause: str, do: str) -> None:
    with pytest.raises(BadInput) as error:
        compiled(*parts)
    assert cause in error.value.cause, error.value.cause
    assert do in error.value.do, error.value.do


def test_a_protocol_has_no_lowest_rate(compiled) -> None:
    with pytest.raises(BadInput, match="on_clock_loss: a protocol has no lowest rate"):
        compiled(ON, head=HEAD.replace("[protocol]", 'on_clock_loss = "lowest"\n[protocol]'))


def test_stages_of_one_array_need_no_headers(compiled) -> None:
    program = compiled('stage = [{rate = "1 mL/h", for = "10 min"}, {pause = "1 h"}]\n')
    assert [row[0] for row in program.protocol.stages] == [600, 3600]


def test_the_review_has_stages_totals_and_time(compiled) -> None:
    said = facts(compiled('start = "in 2 h"\n', ON, loop("times = 6", ON_INSIDE, OFF_INSIDE), RAMP))
    assert said["start"] == "in 2 h" and said["loop 1"] == "6 times: stages 2 to 3, 1 h each time"
    assert said["stage 4"] == "ramp from 0 mL/h to 2 mL/h for 6 h: 3000 ug = 6 mL"
    assert said["in all"] == "~4083.33 ug = ~8.1667 mL in 12 h 10 min" and said["then"] == "stop"
    endless = facts(compiled(loop("forever = true", ON_INSIDE)))
    assert endless["in all"] == "without end" and "then" not in endless
    held = facts(compiled('then = "hold"\n', ON))
    assert held["always"] == "1 mL/h until it is stopped"


def test_every_example_is_a_prescription() -> None:
    folder = Path(__file__).parents[3] / "host" / "examples"
    names = sorted(path.name for path in folder.glob("*.toml"))
    for name in names:
        load(folder / name)
    page = (folder / "README.md").read_text(encoding="utf-8")
    assert len(names) == 9 and all(name in page for name in names)


def test_too_many_ways_to_meet_are_refused_with_what_to_do(tmp_path) -> None:
    lengths = iter((11, 23, 29, 11, 37, 31, 37, 19, 31, 37, 13, 17, 19, 11, 23, 13, 29, 31, 37, 11, 17, 23, 19, 13) * 3)
    inner = [[stage('rate = "10 uL/h"', f'for = "{next(lengths)} s"', inner=True) for _ in range(8 - at % 2)] for at in range(8)]
    loops = [loop(f"times = {50_000 + at}", *stages) for at, stages in enumerate(inner)]
    path = tmp_path / "rx.toml"
    path.write_text(HEAD + "".join(loops))
    prescription = load(path)
    with pytest.raises(BadInput, match="protocol: its loops of short stages meet in too many ways") as error:
        program_checks.check(prescription, compile_prescription(prescription, "rx.toml"), rig_of("sim-clock"), "rx.toml")
    assert "common measure" in error.value.do


LIMITED = [
    ([stage('rate = "20 mL/h"', 'for = "2 h"')], 'protocol.stage[1].rate: "20 mL/h"'),
    ([stage('volume = "12 mL"', 'for = "2 h"')], 'protocol.stage[1].volume: "12 mL"'),
    ([ON, stage('ramp = ["0 mL/h", "8 mL/h"]', 'for = "6 h"')], 'protocol.stage[2].ramp: "8 mL/h"'),
    ([loop("times = 30", stage('rate = "4 mL/h"', 'for = "40 min"', inner=True), OFF_INSIDE)], 'protocol.loop[1].stage[1].rate: "4 mL/h"'),
]


@pytest.mark.parametrize(("parts", "cause"), LIMITED)
def test_a_protocol_above_a_ceiling_names_the_stage_and_the_nearest_value(tmp_path, parts: list[str], cause: str) -> None:
    path = tmp_path / "rx.toml"

    def checked(text: str) -> None:
        path.write_text(text)
        prescription = load(path)
        program_checks.check(prescription, compile_prescription(prescription, "rx.toml"), rig_of("sim-clock"), "rx.toml")

    text = HEAD + "".join(parts)
    with pytest.raises(BadInput) as error:
        checked(text)
    assert cause in error.value.cause
    nearest = error.value.do.rsplit('"', 2)[1]
    checked(text.replace(cause.rsplit('"', 2)[1], nearest))
