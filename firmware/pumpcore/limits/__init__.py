"""What is too much: ceilings, windows, checks of programs and orders."""
