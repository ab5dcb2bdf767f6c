"""Where modules come from: on the simulator imports take no time, so they go as always."""


def begin() -> None:
    """Nothing."""


def built() -> None:
    """Nothing."""
