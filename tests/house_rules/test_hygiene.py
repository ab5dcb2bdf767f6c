"""Nothing in the tree belongs to one machine; planted lines are refused."""

import pytest

from house_rules import hygiene


def test_no_machine_path_and_no_package_index_in_the_tree() -> None:
    found = hygiene.violations()
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "pieces",
    [
        ("open('/ho", "me/anna/x')"),
        ("/Us", "ers/anna/x"),
        ("/ro", "ot/.cache"),
        ("C:\\Us", "ers\\anna"),
        ("pip install --index", "-url https://example.org"),
        ("--trusted", "-host example.org"),
        ("https://py", "pi.org/project"),
        ("https://files.python", "hosted.org/x"),
        ("https://mirror.example.org/sim", "ple/x"),
    ],
)
def test_a_planted_line_is_refused(pieces: tuple[str, str]) -> None:
    assert len(hygiene.text_violations("x", "first\n" + "".join(pieces))) == 1


@pytest.mark.parametrize("line", ["/dev/ttyACM0", "/store/bench.a", "sudo apt install python3-venv", "~/pumps/rx.toml", "/path/to/x"])
def test_ordinary_paths_pass(line: str) -> None:
    assert hygiene.text_violations("x", line) == []
