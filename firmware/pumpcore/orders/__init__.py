"""Bolus, temporary rate, and what was ordered before."""
