"""Find the libraries that only pictures need, or name the command that installs them: thecal works without them."""

from __future__ import annotations

import importlib.util
import shlex
import sys
from pathlib import Path

from thecal.errors import Failed

# The library to draw with, and the one to compute with; the first brings the second.
DRAWING, COMPUTING = "matplotlib", "numpy"


def can_draw() -> bool:
    """Return if the library that draws pictures is installed; import nothing."""
    return importlib.util.find_spec(DRAWING) is not None


def require_drawing() -> None:
    """Raise Failed with the command to type, if pictures cannot be drawn. Called before anything is asked, weighed or written."""
    if not can_draw():
        raise Failed(f"a picture needs {DRAWING}, which is not installed", f"install it: `{install_command()}`")


def require_computing() -> None:
    """Raise Failed with the command to type, if the analysis of a weighed run cannot be computed."""
    if importlib.util.find_spec(COMPUTING) is None:
        raise Failed(f"this analysis needs {COMPUTING}, which comes with {DRAWING}", f"install it: `{install_command()}`")


def install_command(*libraries: str) -> str:
    """Return the command that adds these libraries (default: the one that draws) to this installation, by the tool that made it."""
    names = libraries or (DRAWING,)
    listed, extra = " ".join(names), " ".join(f"--with {name}" for name in names)
    prefix = Path(sys.prefix)
    if (prefix / "pipx_metadata.json").is_file():
        return f"pipx inject thecal {listed}"
    if (prefix / "uv-receipt.toml").is_file():
        return f"uv tool install {extra} {source()}"
    if "archive-v" in str(prefix):  # uv's cache: a run of uvx, whose environment belongs to nobody
        return f"uvx {extra} --from {source()} thecal"
    if made_by_uv(prefix):  # such an environment has no pip
        return f"uv pip install --python {shlex.quote(sys.executable)} {listed}"
    return f"{shlex.quote(sys.executable)} -m pip install {listed}"


def source() -> str:
    """Return what thecal was installed from: the file of its wheel, as text for a shell; `thecal` if it is not known."""
    import json
    from importlib.metadata import PackageNotFoundError, distribution
    from urllib.parse import unquote, urlsplit

    try:
        text = distribution("thecal").read_text("direct_url.json") or "{}"
    except PackageNotFoundError:
        return "thecal"
    url = str(json.loads(text).get("url", ""))
    path = unquote(urlsplit(url).path)
    return shlex.quote(path.lstrip("/") if sys.platform == "win32" else path) if url.startswith("file:") else "thecal"


def made_by_uv(prefix: Path) -> bool:
    """Return if `uv` made the virtual environment at `prefix`: its configuration then has a line for it."""
    try:
        lines = (prefix / "pyvenv.cfg").read_text(encoding="utf-8").splitlines()
    except OSError:
        return False
    return any(line.partition("=")[0].strip() == "uv" for line in lines)
