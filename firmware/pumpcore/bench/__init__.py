"""The bench: its motor, its pins, its calibration."""
