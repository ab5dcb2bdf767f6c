"""An RP2040 that boots stock MicroPython, repaired where the emulator's timing is wrong (design section 8).

Use `board.EmulatedBoard`. Each repair has a file: pio.py (pace), flash.py (time, wear, power cuts), pads.py (lines with resistors,
time-stamped edges), usb.py (a host that waits instead of answering with nothing).
"""
