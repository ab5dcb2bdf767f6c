"""The bench with its motor, its pins and its calibration."""
