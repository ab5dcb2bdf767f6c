"""Ceilings, rolling windows, and the checks of programs and orders against them."""
