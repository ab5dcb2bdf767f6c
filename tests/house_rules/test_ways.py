"""The command that lists the way of a prescription or of a bolus: what it counts, on a small tree, and that it runs on this one."""

import subprocess
import sys
from pathlib import Path

from house_rules.tree import ROOT
from house_rules.ways import described, walked

FILES = {
    "host/thecal/low.py": "def add(one, two):\n    return _carried(one) + two\n\ndef _carried(one):\n    return one\n",
    "host/thecal/text/made.py": "class Made:\n    def __init__(self, value):\n        self.made = [one for one in [lambda: value]]\n",
    "host/thecal/cli/verb.py": "def verb(low, made):\n    low.add(1, low.add(2, 3))\n    helper(made)\n"
    "def helper(made):\n    made.Made(4)\n",
}


def loaded(path: Path) -> dict:
    names: dict = {}
    exec(compile(path.read_text(), str(path), "exec"), names)
    return names


def test_a_function_of_another_file_is_a_step_and_one_of_its_own_a_helper(tmp_path: Path) -> None:
    for path, text in FILES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    low, made, verb = (loaded(tmp_path / path) for path in FILES)
    parts = [type(name, (), {key: staticmethod(one) for key, one in names.items() if key in ("add", "Made")})
             for name, names in (("low", low), ("made", made))]  # fmt: skip
    steps = walked(tmp_path, lambda: verb["verb"](*parts))
    assert [(step.room(), step.name, step.helpers) for step in steps] == [
        ("cli", "verb", ["helper"]),
        ("low", "add", ["_carried"]),
        ("text", "Made", []),
    ]
    assert described(steps).splitlines() == [
        "cli           cli/verb.py: verb +1",
        "low           low.py: add +1",
        "text          text/made.py: Made",
        "3 functions and 2 helpers in 3 files of 3 rooms",
    ]


def test_the_way_of_a_prescription_goes_from_the_verb_to_the_pump() -> None:
    words = [sys.executable, "tests/house_rules/ways.py", "prescription"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    told = [line.split()[2] for line in done.stdout.splitlines()[:-1]]
    way = ["main", "program", "compile_prescription", "check_program", "Client.program_stage", "Client.program_activate"]
    assert [name for name in told if name in way] == way
    assert "functions" in done.stdout.splitlines()[-1]
