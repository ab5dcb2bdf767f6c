"""The pump's setup: program, calibration, line."""
