"""Name a fault by its number or its name."""

from __future__ import annotations

from thecal.errors import BadInput


def fault_number(text: str) -> int:
    """Return the number of a fault. Raises BadInput with the nearest name."""
    from pumpcore.faults import faults
    from thecal.files.toml_file import suggestion

    numbers = {name: number for names in faults.NUMBERS.values() for name, number in names.items()}
    if text in numbers:
        return int(numbers[text])
    if text.isascii() and text.isdigit() and len(text) < 6 and int(text) in numbers.values():
        return int(text)
    near = suggestion(text, list(numbers))
    raise BadInput(f'"{text[:40]}" is not a fault', f"{near} ".lstrip() + "give a number or a name from `thecal alarms`, or all")
