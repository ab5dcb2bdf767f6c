"""Program, calibration and line that the pump is set up with."""
