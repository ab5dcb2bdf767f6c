"""Where modules come from: on the simulator, the files. Imports take no time there, so nothing is preloaded."""


def begin() -> None:
    """Do nothing."""


def built() -> None:
    """Do nothing."""
