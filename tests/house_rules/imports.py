"""Who may import whom: `host -> pumpcore <- app -> hal`; only main.py may import everything."""

import ast

from house_rules.tree import Source

PURE = frozenset(("struct", "binascii", "hashlib", "json"))
APP_MAY = PURE | {"errno", "io", "sys"}
CHIP_ONLY = frozenset(("machine", "rp2"))
# MicroPython lacks the first four; the rest is nondeterministic or runs beside the tick.
NEVER_IN_FIRMWARE = frozenset(
    ("typing", "enum", "dataclasses", "abc", "asyncio", "uasyncio", "random", "urandom", "_thread", "__future__", "pathlib")
)
FIRMWARE_TOPS = frozenset(("app", "hal", "main"))


def imported_names(source: Source) -> list[tuple[int, str]]:
    """Return (line, dotted module) of every import; relative ones are made absolute."""
    found = []
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(part for part in (_base(source, node.level), node.module) if part)
            found += [(node.lineno, f"{base}.{alias.name}") for alias in node.names]
    return found


def violations(source: Source) -> list[str]:
    """Return one line per import against the direction."""
    reasons = [(line, name, _objection(source.path, name)) for line, name in imported_names(source)]
    return [f"{source.path}:{line}: imports {name}: {reason}" for line, name, reason in reasons if reason]


def _objection(path: str, name: str) -> str:
    top = name.split(".")[0]
    if path.startswith("host/"):
        return "the host sees pumpcore only" if top in FIRMWARE_TOPS | CHIP_ONLY | {"micropython"} else ""
    if path.startswith("tests/"):
        return _tests_objection(path, name)
    if not path.startswith("firmware/"):
        return ""
    if top in NEVER_IN_FIRMWARE:
        return "not in the firmware"
    if top in CHIP_ONLY and not path.startswith("firmware/hal/rp2/"):
        return "only hal/rp2 touches the chip"
    if path.startswith("firmware/pumpcore/"):
        return "" if top in PURE | {"pumpcore"} else "pumpcore is pure"
    if path.startswith("firmware/app/"):
        return "" if top in APP_MAY | {"pumpcore", "app"} else "app is handed its hardware by main.py"
    if path.startswith("firmware/hal/"):
        return _hal_objection(path, name)
    return ""


def _tests_objection(path: str, name: str) -> str:
    if path.startswith("tests/support/models/") and name.split(".")[0] in FIRMWARE_TOPS | {"pumpcore", "thecal"}:
        return "a model is written a second time, from the rules"
    if any(part.startswith("test_") for part in name.split(".")[:-1]):
        return "what two tests share lies in tests/support"
    return ""


def _hal_objection(path: str, name: str) -> str:
    parts = name.split(".")
    if parts[0] in ("app", "main", "thecal"):
        return "hal does not know who uses it"
    target = path.split("/")[2]
    if parts[0] == "hal" and len(parts) > 1 and parts[1] in ("sim", "rp2") and parts[1] != target:
        return "one target does not use another"
    return ""


def _base(source: Source, level: int) -> str:
    """Return the package that `level` dots start from, as the firmware or the host names it."""
    if level == 0:
        return ""
    folders = source.path.split("/")[1:]
    return ".".join(folders[:-level])
