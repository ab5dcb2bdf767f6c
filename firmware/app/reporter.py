"""The one way by which behaviour reports: records into the journal, conditions to the alarms."""

from app.alarms import Alarms
from app.journal import Journal, JournalError

if 0:  # for the type checker alone
    from app.types import Payload


class Reporter:
    """`append` is durable before it returns and may raise JournalError; `settle`, `post` and `fault` never fail."""

    def __init__(self, journal: Journal, alarms: Alarms) -> None:
        self._journal = journal
        self._alarms = alarms

    def append(self, name: str, values: "Payload") -> None:
        self._journal.append(name, values)

    def settle(self, name: str, values: "Payload") -> None:
        """Durable at once if the flash lets it, else kept for when it does, with an alarm."""
        try:
            self._journal.append(name, values)
        except JournalError:
            self._journal.post(name, values)
            self._alarms.raise_fault("journal_failed")

    def post(self, name: str, values: "Payload") -> None:
        self._journal.post(name, values)

    def fault(self, name: str) -> None:
        self._alarms.raise_fault(name)

    def clear(self, name: str) -> None:
        self._alarms.clear_name(name)
