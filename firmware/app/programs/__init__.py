"""What the pump is set up with: program, calibration, line."""
