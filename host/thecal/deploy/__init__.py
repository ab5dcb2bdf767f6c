"""Puts the firmware on a board: `flash` is the order of steps, each step is a file of its own; `files` is what is deployed."""
