"""Reads a drawing back from its SVG. Imports nothing of ours: what it finds is what a person sees."""
