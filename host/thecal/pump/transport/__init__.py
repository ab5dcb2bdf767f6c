"""Bytes to and from a pump: `link` (one open port), `ports` (which port), `registry` (simulators of this computer, boards that it
flashed)."""
