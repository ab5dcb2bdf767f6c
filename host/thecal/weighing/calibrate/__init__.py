"""Calibrating by weight: so many turns, a mass, a density; several times; and out comes an integer pair."""
