"""Limits: ceilings, rolling windows, checks of programs and orders."""
