"""What the pump keeps and reports, as journal, alarms, store; the wall time."""
