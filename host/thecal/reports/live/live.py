"""The live table: drawn in place, updated at each reading."""

from __future__ import annotations

import sys
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from thecal.reports.live.past import Past
from thecal.reports.live.view import ALERT, Row, Status, rows
from thecal.terminal.console import printable

HINT = "Ctrl-C ends the display, the pump runs on; `thecal stop` in another terminal stops it"


class LiveView:
    """Show the newest reading. A failed one is reported in the last row, with the previous values still in view."""

    def __init__(self) -> None:
        self._console = Console()
        self._encoding = sys.stdout.encoding or "ascii"  # rich replaces stdout while the table is live
        self._live = Live(console=self._console, auto_refresh=False, vertical_overflow="visible")
        self._rows: list[Row] = []

    def __enter__(self) -> LiveView:
        self._live.start()
        return self

    def __exit__(self, *details: Any) -> None:
        self._live.stop()

    def show(self, status: Status, past: Past) -> None:
        """Draw a new reading."""
        self._rows = rows(status, past, self._console.width, self._encoding)
        self._draw("")

    def trouble(self, cause: str) -> None:
        """Draw the cause of a failed reading below the last values."""
        self._draw(f"{cause}; still watching, the values above are old")

    def _draw(self, trouble: str) -> None:
        table = Table.grid(padding=(0, 1))
        table.add_column(no_wrap=True, style="dim")
        table.add_column(overflow="fold")
        for label, text, style in self._rows:
            table.add_row(label, Text(printable(text), style="bold red" if style == ALERT else ""))
        table.add_row("", Text(trouble, style="bold red") if trouble else Text(HINT, style="dim"))
        self._live.update(table, refresh=True)
