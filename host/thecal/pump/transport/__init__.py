"""Bytes to and from a pump: `link` (one open port), `ports` (which port), `registry` (simulators that run on this machine, boards
that were flashed from it)."""
