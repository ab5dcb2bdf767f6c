"""`thecal config`: what it does not write, and what it says of a file that is none."""

import pytest

from thecal.files import config


@pytest.fixture(autouse=True)
def _own_file(monkeypatch, tmp_path):
    monkeypatch.setenv("THECAL_CONFIG", str(tmp_path / "config.toml"))


@pytest.mark.parametrize(("key", "value", "said"), [("zone", "Europe/Berlim", "Europe/Berlin"), ("bench", "nosuch", "bench")])
def test_a_default_that_no_verb_could_use_is_not_written(key: str, value: str, said: str, thecal_says) -> None:
    code, _, err = thecal_says("config", key, value)
    assert code == 2 and said in err and value in err and "wrote" not in err


def test_a_folder_in_the_place_of_the_config_file_is_named_once(thecal_says) -> None:
    config.path().mkdir(parents=True)
    code, _, err = thecal_says("status")
    assert code == 2 and "is a folder" in err and "file file" not in err
