"""The printed parts, made anew. Without build123d their tests are skipped; `make test-cad` (THECAL_CAD=must) fails instead."""

import importlib.util
import os

import pytest

MISSING = "build123d is missing, the printed parts were not made anew: make test-cad"


@pytest.fixture(scope="session", autouse=True)
def build123d() -> None:
    """Skip or fail without the library; what imports it is imported inside the tests."""
    if importlib.util.find_spec("build123d") is None:
        (pytest.fail if os.environ.get("THECAL_CAD") == "must" else pytest.skip)(MISSING)
