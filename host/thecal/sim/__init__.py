"""The simulated pump: real MicroPython on a real littlefs, with the hardware around it in Python.

`runner.SimulatedPump` is the whole pump; `control` reaches one in another process; `serve` is `thecal sim`.
"""
