"""What only hardware can show about the rules: each is a skipped test, so that every run names it.

tests/pico has what an emulated chip can show.
"""

# (rule, what must be seen, why nothing here can show it)
CHIP = (
    ("R6", "enable pull resistor", "the driver is off with the Pico unplugged, resetting or unpowered: a resistor and its rail"),
    ("R6", "brown-out", "the supply sags and returns slowly; the emulated board has power or has none"),
    ("R10", "USB stack", "noise and floods below the serial line: the controller's buffers, not our parser"),
    ("R12", "driver's GSTAT", "a driver that was reset by itself says so by UART; its microsteps are the straps' again"),
    ("R12", "rotor at each enable", "how far the rotor jumps when it is energised, against the four full steps that are booked"),
)
