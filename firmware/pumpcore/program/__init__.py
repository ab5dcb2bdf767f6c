"""The program: as it runs, as bytes, over the week, and its forecast."""
