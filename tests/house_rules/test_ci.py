"""Continuous integration runs the README's test commands, whatever they are, and fails if one fails."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from house_rules.readme import blocks, readme
from house_rules.tree import ROOT


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with .ci/run and the README, and a `make` that notes its calls and fails at the target that the test wants."""
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", tmp_path / ".ci" / "run")
    shutil.copy(ROOT / "README.md", tmp_path / "README.md")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "make").write_text('#!/bin/sh\necho "$@" >> called\necho "== 3 passed =="\n[ "$1" != "${MAKE_FAILS:-}" ]\n')
    pretend(tmp_path, "chromium", "")
    (tmp_path / "bin" / "make").chmod(0o755)
    return tmp_path


def pretend(checkout: Path, name: str, script: str) -> None:
    """Put a program of that name in front of the PATH."""
    (checkout / "bin" / name).write_text(f"#!/bin/sh\n{script}\n")
    (checkout / "bin" / name).chmod(0o755)


def run(checkout: Path, fails: str = "", only: bool = False) -> subprocess.CompletedProcess[str]:
    """Run it; with `only`, the PATH has no browser: the pretended programs, and the few that the script needs."""
    path = str(checkout / "bin") if only else f"{checkout / 'bin'}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "MAKE_FAILS": fails, "THECAL_CHROMIUM": ""}
    return subprocess.run([checkout / ".ci" / "run"], env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_the_readme_has_one_block_for_tests() -> None:
    assert [block.commands for block in blocks(readme()) if block.is_test] == [("make test", "make test-long", "make test-page")]


def test_ci_runs_that_block_and_ends_with_its_output(checkout: Path) -> None:
    done = run(checkout)
    assert done.returncode == 0, done.stderr
    assert (checkout / "called").read_text() == "test\ntest-long\ntest-page\n"
    assert done.stdout.splitlines()[-1] == "== 3 passed =="


@pytest.mark.parametrize("target", ["test", "test-long", "test-page"])
def test_ci_fails_when_tests_fail(checkout: Path, target: str) -> None:
    assert run(checkout, fails=target).returncode == 1
    assert (checkout / "called").read_text().splitlines()[-1] == target, "nothing runs after a failure"


def test_ci_fails_when_the_readme_has_no_such_block(checkout: Path) -> None:
    (checkout / "README.md").write_text("# nothing\n```sh\nmake test\n```\n")
    done = run(checkout)
    assert done.returncode == 1
    assert "no block marked" in done.stderr


@pytest.mark.parametrize(("user", "tried"), [("0", True), ("1000", False)])
def test_ci_installs_the_browser_only_where_it_may(checkout: Path, user: str, tried: bool) -> None:
    (checkout / "bin" / "chromium").unlink()
    for name in ("sh", "awk", "dirname", "cat"):
        (checkout / "bin" / name).symlink_to(str(shutil.which(name)))
    pretend(checkout, "id", f"echo {user}")
    pretend(checkout, "apt-get", 'echo "apt-get $@" >> called')
    done = run(checkout, only=True)
    assert done.returncode == 0, done.stderr
    calls = (checkout / "called").read_text().splitlines()
    assert calls[-3:] == ["test", "test-long", "test-page"]
    assert [call.split()[:2] + call.split()[-1:] for call in calls[:-3]] == ([["apt-get", "install", "chromium"]] if tried else [])


def test_a_browser_that_is_there_is_not_installed_again(checkout: Path) -> None:
    pretend(checkout, "apt-get", "echo apt-get >> called")
    assert run(checkout).returncode == 0
    assert "apt-get" not in (checkout / "called").read_text()
