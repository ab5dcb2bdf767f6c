"""Calibrate by weight: several runs of known turns, mass and density give an integer pair."""
