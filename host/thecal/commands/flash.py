"""`thecal flash`: belongs to the firmware for the chip, which this version does not have."""

from thecal.errors import Failed


def flash() -> None:
    """Put the firmware on a board (not in this version)."""
    do = "use a simulated pump meanwhile: `thecal sim` runs the same firmware"
    raise Failed("this version can't flash a board: the firmware for the chip comes with a later one", do)
