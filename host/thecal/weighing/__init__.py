"""Work with a balance: drivers, calibration, characterisation."""
