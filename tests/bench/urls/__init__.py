"""Where pyserial finds `emulated://`."""
