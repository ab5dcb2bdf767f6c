"""Run the cells of a notebook without Jupyter: its 30 packages would double what the tests install. `await` works at the top of a cell."""

from __future__ import annotations

import ast
import asyncio
import inspect
import json
from pathlib import Path
from typing import Any

EVERY = {"cell_type", "id", "metadata", "source"}
CELL_KEYS = {"markdown": EVERY, "code": EVERY | {"execution_count", "outputs"}}


def cells(path: Path) -> list[tuple[str, str]]:
    """Return (kind, source) of each cell. Raises ValueError for a file that is not a notebook of format 4.5, or that keeps outputs."""
    document = json.loads(path.read_text(encoding="utf-8"))
    if (document["nbformat"], document["nbformat_minor"]) != (4, 5) or set(document) != {"cells", "metadata", "nbformat", "nbformat_minor"}:
        raise ValueError(f"{path.name} is not a notebook of format 4.5")
    ids = [cell["id"] for cell in document["cells"]]
    if len(set(ids)) != len(ids):
        raise ValueError(f"{path.name}: two cells have one id")
    for cell in document["cells"]:
        if set(cell) != CELL_KEYS[cell["cell_type"]]:
            raise ValueError(f"{path.name}: {cell['id']}: keys {sorted(cell)}")
        if cell.get("outputs") or cell.get("execution_count"):
            raise ValueError(f"{path.name}: {cell['id']} keeps an output: clear it")
    return [(cell["cell_type"], "".join(cell["source"])) for cell in document["cells"]]


def run(path: Path) -> list[Any]:
    """Run all code cells in one namespace; return the value of the last expression of each, None without one."""
    namespace: dict[str, Any] = {"__name__": "__main__"}

    async def every_cell() -> list[Any]:
        return [await run_cell(source, namespace, path.name) for kind, source in cells(path) if kind == "code"]

    return asyncio.run(every_cell())


async def run_cell(source: str, namespace: dict[str, Any], name: str) -> Any:
    """Run one cell as Jupyter does: the value of its last line is shown."""
    tree = ast.parse(source, name)
    last = ast.Expression(tree.body.pop().value) if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    value = None
    for part, mode in ((tree, "exec"), (last, "eval")):
        if part is not None:
            value = eval(compile(part, name, mode, ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), namespace)
            value = await value if inspect.isawaitable(value) else value
    return value
