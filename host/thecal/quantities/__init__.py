"""Typed text, exact numbers, words."""
