"""Bolus, temporary rate, and the history of doses."""
