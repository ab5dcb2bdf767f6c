"""Import direction: `host -> pumpcore <- app -> hal`; each complaint is shown on a planted import."""

import pytest

from house_rules import imports
from house_rules.tree import Source, python_sources


def test_imports_point_in_the_allowed_direction() -> None:
    found = [line for source in python_sources("firmware/", "host/", "tests/") for line in imports.violations(source)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("firmware/pumpcore/motion/dose.py", "import os"),
        ("firmware/pumpcore/motion/dose.py", "import math"),
        ("firmware/pumpcore/wire/messages.py", "from app.wire import session"),
        ("firmware/pumpcore/wire/messages.py", "from ...app import session"),
        ("firmware/pumpcore/limits/limits.py", "from hal.sim import board"),
        ("firmware/app/delivery/delivery.py", "from hal.sim import stepper"),
        ("firmware/app/delivery/delivery.py", "import hal"),
        ("firmware/app/delivery/delivery.py", "from ...hal.sim import stepper"),
        ("firmware/app/delivery/delivery.py", "import time"),
        ("firmware/app/delivery/delivery.py", "def tick():\n    import machine"),
        ("firmware/app/wire/session.py", "import asyncio"),
        ("firmware/app/wire/session.py", "from typing import Any"),
        ("firmware/app/wire/handlers/table.py", "import main"),
        ("firmware/hal/sim/board.py", "from app.delivery import delivery"),
        ("firmware/hal/sim/board.py", "import rp2"),
        ("firmware/hal/sim/board.py", "from hal.rp2 import stepper"),
        ("firmware/hal/vfs.py", "import machine"),
        ("firmware/main.py", "import machine"),
        ("firmware/main.py", "from dataclasses import dataclass"),
        ("host/thecal/pump/client.py", "from app.wire import session"),
        ("host/thecal/sim/world/plant.py", "from hal.sim import stepper"),
        ("host/thecal/pump/client.py", "import machine"),
        ("tests/unit/app/test_bolus.py", "from unit.app.test_run import started"),
        ("tests/support/pump/running.py", "def ready():\n    from house_rules.test_makefile import make"),
        ("tests/support/models/therapy.py", "from pumpcore.motion.dose import Calibration"),
        ("tests/support/models/weekly.py", "import thecal.pump.zones"),
    ],
)
def test_a_planted_import_against_the_direction_is_refused(path: str, code: str) -> None:
    assert len(imports.violations(Source(path, code))) == 1


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("firmware/pumpcore/wire/messages.py", "import struct, binascii\nfrom pumpcore import units\nfrom .. import faults"),
        ("firmware/app/delivery/span.py", "from pumpcore.motion import dose\nfrom app import pump\nfrom . import basal\nimport sys"),
        ("firmware/hal/rp2/stepper.py", "import rp2\nfrom machine import Pin\nfrom hal import vfs"),
        ("firmware/main.py", "from app.wire.session import Session\nfrom hal.sim.board import Board"),
        ("host/thecal/pump/client.py", "from pumpcore.wire import frame\nimport asyncio, typing"),
        ("tests/unit/app/test_bolus.py", "from support.pump.running import ready\nfrom app.boot import build\nimport pytest"),
        ("tests/support/models/weekly.py", "from fractions import Fraction\nfrom support.models.therapy import Span"),
    ],
)
def test_an_import_in_the_direction_passes(path: str, code: str) -> None:
    assert imports.violations(Source(path, code)) == []
