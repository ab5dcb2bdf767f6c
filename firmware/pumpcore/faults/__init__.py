"""The faults: numbers, names, texts."""
