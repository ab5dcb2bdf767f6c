"""Prescriptions with every part of a therapy, like a person's."""

LINE_AND_RESERVOIR = """[line]
tubing = "140 uL"
catheter = "199 uL"
measured = 2026-01-31
[reservoir]
capacity = "20 mL"
low = "2 mL"
empty = "0.5 mL"
tolerance = "0.1 mL"
"""
RX = f"""title = "t"
drug = "d"
concentration = "500 ug/mL"
[[basal.entry]]
at = "06:00"
rate = "24 uL/h"
[[basal.entry]]
at = "02:30"
rate = "12 uL/h"
[demand]
dose = "50 uL"
duration = "10 min"
lockout = "3 h"
per_day = 4
{LINE_AND_RESERVOIR}"""
