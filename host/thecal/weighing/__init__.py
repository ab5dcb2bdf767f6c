"""Everything with a balance: its drivers, calibrating, characterising."""
