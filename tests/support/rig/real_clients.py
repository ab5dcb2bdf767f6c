"""The bytes that foreign programs send to a board."""


def raw_repl_knock() -> bytes:
    """Return how mpremote asks for the raw REPL: an end to whatever is typed, Ctrl-C twice, Ctrl-A."""
    return b"\r\x03\x03\r\x01"
