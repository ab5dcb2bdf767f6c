"""Programs with several drugs in one reservoir."""

from pumpcore.program.plan import Program
from pumpcore.program.settings import LIMITS
from support.programs import with_settings

Drug = tuple[str, int, int]
NO_LIMITS = (0,) * len(LIMITS)


def mixed(made: Program, *others: Drug, own: tuple[dict[str, int], ...] = ()) -> Program:
    """Return the program with these other drugs beside its first, `own`: the library's limits of each of them."""
    made.drugs = others
    limits = [tuple(one.get(name, 0) for name in LIMITS) for one in own] or [NO_LIMITS] * len(others)
    if made.settings is not None:
        made.settings.drugs = ((made.fluid, ()), *((drug[0], values) for drug, values in zip(others, limits, strict=True)))
    return made


def in_library(made: Program, **values: object) -> Program:
    """Return the program with a drug library and these settings."""
    return with_settings(made, library="bench", library_version=1, **values)
