"""An RP2040 that boots stock MicroPython, repaired where the emulator's own timing would lie (design section 8).

`board.EmulatedBoard` is the one to use; each repair has a file: pio.py (pace), flash.py (time, wear, power cuts),
pads.py (lines with resistors, time-stamped edges), usb.py (a host that waits instead of answering with nothing).
"""
