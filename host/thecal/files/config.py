"""The user's defaults: a variable of the environment, otherwise the config file."""

from __future__ import annotations

import functools
import os
from pathlib import Path

from thecal.errors import BadInput, Failed

# key of the file -> what it is the default of
KEYS = {
    "port": "port or name of the pump, for every verb",
    "bench": "bench for checks without a pump: program --dry-run, limits, forecast",
    "library": "drug library of a prescription that names none by file",
    "units": "unit of volumes in what you read: mL or uL",
    "zone": "time zone for a pump that has none; a pump's own zone always counts",
    "keys": "where new keys of pumps are kept: keyring or file",
}
CHOICES = {"units": ("mL", "uL"), "keys": ("keyring", "file")}
EXAMPLE = {
    "port": "flow-1", "bench": "tmc2209-peristaltic01", "library": "drugs.toml", "units": "uL", "zone": "Europe/Berlin", "keys": "file",
}  # fmt: skip


def path() -> Path:
    """Return the file's path; THECAL_CONFIG overrides it."""
    named = os.environ.get("THECAL_CONFIG")
    if named:
        return Path(named)
    return _usual_path()


@functools.cache
def _usual_path() -> Path:
    import platformdirs

    return platformdirs.user_config_path("thecal") / "config.toml"


def default(key: str) -> str | None:
    """Return the default for this key: THECAL_PORT and its kind, otherwise the config file; None if neither has one."""
    variable = f"THECAL_{key.upper()}"
    named = os.environ.get(variable)
    if named and key in CHOICES:
        check(key, named, f"{variable}: ")
    return named or stored().get(key)


def origin(key: str) -> str:
    """Return where the default comes from."""
    return f"THECAL_{key.upper()}" if os.environ.get(f"THECAL_{key.upper()}") else str(path()) if key in stored() else ""


def stored() -> dict[str, str]:
    """Return the values of the config file; none without a file. Raises BadInput if it can't be used."""
    file = path()
    try:
        status = file.stat()
    except OSError:
        return {}
    return _read(file, status.st_mtime_ns, status.st_size)


@functools.lru_cache(maxsize=1)
def _read(file: Path, changed_ns: int, size_bytes: int) -> dict[str, str]:
    """The arguments after the file are the key under which its values are kept."""
    from thecal.files import toml_file

    values = toml_file.read(file, toml_file.Kind("a config file", "write it like: thecal config port flow-1")) if size_bytes else {}
    for key, value in values.items():
        check(key, value, f"{file}: ")
    return values


def check(key: str, value: object, where: str = "") -> None:
    """Raise BadInput for an unknown key, or a value that it does not take."""
    from thecal.files.toml_file import suggestion

    if key not in KEYS:
        near = suggestion(key, list(KEYS))
        raise BadInput(f"{where}{key[:40]} is not a key of the config file", near or f"known are {', '.join(KEYS)}")
    choices = CHOICES.get(key)
    if not isinstance(value, str) or not value or (choices and value not in choices):
        known = f"write {' or '.join(choices)}" if choices else f'write it like: {key} = "{EXAMPLE[key]}"'
        raise BadInput(f"{where}{key}: {str(value)[:40]!r} can't be used", known)


def save(key: str, value: str | None) -> None:
    """Write one value, or remove it for None; comments and other values stay. Raises Failed."""
    import tomlkit

    file = path()
    values = tomlkit.parse(file.read_text(encoding="utf-8")) if stored() else tomlkit.document()
    if value is None:
        values.pop(key, None)
    else:
        values[key] = value
    draft = file.with_name(file.name + ".new")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(tomlkit.dumps(values), encoding="utf-8")
        draft.replace(file)
    except OSError as error:
        raise Failed(f"{file} can't be written: {error.strerror}", "name another file in THECAL_CONFIG") from error
    _read.cache_clear()

