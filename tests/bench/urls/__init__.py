"""The package in which pyserial finds `emulated://`."""
