"""The RP2040 of a Raspberry Pi Pico. The only code that imports `machine` and `rp2`."""
