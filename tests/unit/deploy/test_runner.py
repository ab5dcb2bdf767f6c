"""The real mpremote as a process."""

import time

from thecal.deploy import runner, told


def test_the_installed_mpremote_is_run():
    lines = []
    assert runner.run_mpremote(["version"], lines.append) == 0
    assert lines[0].startswith("mpremote 1.")
    assert runner.run_mpremote(["connect", "/dev/no-such-port", "reset"], lines.append) == 1
    assert "no-such-port" in lines[-1]


def test_it_says_how_far_a_copy_has_come(capfd, monkeypatch):
    """mpremote's function for its progress bar prints a line that is read back."""
    from mpremote import commands, main

    monkeypatch.setattr(commands, "show_progress_bar", commands.show_progress_bar)  # as it was, afterwards
    monkeypatch.setattr(main, "main", lambda: commands.show_progress_bar(256, 1000) or 7)
    assert told.main() == 7
    assert told.parse(capfd.readouterr().out) == 256
    assert [told.parse(line) for line in ("progress: 1", "progress: x 2", "cp a b", "", "note: 1 2")] == [None] * 5


def test_a_folder_with_modules_of_the_same_name_does_not_hide_mpremotes_own(tmp_path):
    for name in ("serial", "platformdirs", "argparse"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError")
    assert runner.run_mpremote(["version"], lambda line: None, tmp_path) == 0


def test_one_that_falls_silent_is_ended(monkeypatch):
    monkeypatch.setattr(runner, "SILENCE_S", 0.5)
    begun_s = time.monotonic()
    assert runner.run_mpremote(["sleep", "60"], print) == runner.SILENT
    assert time.monotonic() - begun_s < 30
