"""What the pump keeps and reports: journal, alarms, store, the wall time."""
