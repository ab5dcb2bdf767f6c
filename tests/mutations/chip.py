"""What only hardware can show about the rules: each is a skipped test of this version, so that every run names it."""

# (rule, what has to be seen, why nothing here can show it)
CHIP = (
    ("R1", "DMA replay", "a chain to a spent DMA channel steps again with the CPU dead; the simulator has no DMA"),
    ("R1", "dead CPU in mid-dose", "code stuck with interrupts off while the queue runs out; the simulated queue is not the PIO's"),
    ("R2", "lease guard in PIO", "the enable line rises one step after the allowance by itself; here the plant plays the guard's part"),
    ("R3", "PIO queue at a halt", "words pulled from read addresses, Y and the program counter agree with the pins"),
    ("R4", "edges during a flash erase", "interrupts are off for up to 400 ms; simulated time stands still meanwhile"),
    ("R6", "enable pull resistor", "the driver is off with the Pico unplugged, resetting or unpowered: a resistor and its rail"),
    ("R6", "brown-out", "the supply sags and returns, twenty times in a row: pins, flash and the ledger afterwards"),
    ("R6", "watchdog bite", "a real reset in mid-dose; the simulator is cut and reset from outside"),
    ("R10", "USB stack", "noise and floods below the serial line: the controller's buffers, not our parser"),
    ("R11", "clock chip's oscillator", "a DS3231 that says its oscillator stopped must count as an unknown time"),
    ("R12", "driver's GSTAT", "a driver that was reset by itself says so by UART; its microsteps are the straps' again"),
    ("R12", "rotor at each enable", "how far the rotor jumps when it is energised, against the four full steps that are booked"),
)
