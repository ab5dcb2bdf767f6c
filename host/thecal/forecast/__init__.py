"""Forecast a prescription before the host sends it: rates, doses, reservoir, front, ceilings."""
