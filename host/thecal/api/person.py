"""Who answers while an order is prepared: a script by default, a person at a terminal for the command line."""

from __future__ import annotations

from thecal.errors import Failed

NO_FLUID = "the pump has no program yet, so the fluid is not known; nothing was changed"


class Person:
    """Answer for a script: keep the notes in `notes`, agree to no soft limit, know no fluid. Subclass it to answer for a person."""

    asks = False  # a soft limit that nobody confirmed is left to the check that refuses it

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        """Receive one line about what was done, such as the setting of the clock."""
        self.notes.append(text)

    def progress(self, work: str, done: int, total: int) -> None:
        """Receive the progress of a longer work; `done` equals `total` at its end."""

    def agree(self, question: str, about: str) -> None:
        """Return if the person agrees to pass a soft limit. Raises Failed otherwise."""
        raise Failed(f"{about}: not confirmed, nothing was changed")

    def fluid(self) -> str:
        """Return the name of the fluid in the reservoir of a pump without a program. Raises Failed if nobody knows it."""
        raise Failed(NO_FLUID, "name it: --drug water")
