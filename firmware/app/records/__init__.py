"""What is kept and told: journal, alarms, store, the time of day."""
