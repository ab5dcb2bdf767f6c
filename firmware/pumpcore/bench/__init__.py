"""The bench: its motor, its pins, its weighed calibration."""
