"""Benches of somebody else: a shipped one, changed."""

import re


def without_board(text: str) -> str:
    """Another circuit needs another layout of its board: take the shipped one out."""
    return re.sub(r"^\[board[\].][\s\S]*?(?=^\[(?!board[\].])|\Z)", "", text, flags=re.MULTILINE)
