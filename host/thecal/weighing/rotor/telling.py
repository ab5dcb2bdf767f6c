"""The `--json` documents of `thecal calibrate --rotor`."""

from __future__ import annotations

from typing import Any

from thecal.weighing.rotor import prices
from thecal.weighing.rotor.fit import Learned
from thecal.weighing.rotor.table import Stored
from thecal.weighing.rotor.verify import Verified


def learned(stored: Stored, found: Learned) -> dict[str, Any]:
    """Return a learned table: its facts, and each bin's volume with one sigma in nl."""
    outlook, turn = stored.outlook(), stored.turn
    grain_nl = turn.turn_nl / (prices.PARTS * turn.steps)
    return {
        "learned": {
            **stored.table.describe(),
            "plain_percent": round(outlook.plain_percent, 2),
            "by_volume_percent": round(outlook.table_percent, 2),
            "lag_s": round(found.lag_s, 3),
            "residual_mg": round(found.residual_mg, 4),
            "bins_nl": [round(volume * grain_nl, 2) for volume in stored.table.volumes],
            "bins_uncertainty_nl": [round(float(sigma), 2) for sigma in prices.uncertainties_nl(found.shape)],
        }
    }


def verified(found: Verified, status: dict[str, Any], answer: dict[str, Any] | None) -> dict[str, Any]:
    """Return a verification, the pump's state, and whether its zero was set."""
    return {
        "rotor": status,
        "verified": {
            "gain": round(found.gain, 4),
            "gain_sigma": round(found.gain_sigma, 4),
            "phase_degrees": round(found.phase_degrees, 2),
            "phase_sigma_degrees": round(found.phase_sigma_degrees, 2),
            "residual_mg": round(found.residual_mg, 4),
            "residual_sigma_mg": round(found.residual_sigma_mg, 4),
            "zero_set": answer is not None,
        },
    }
