"""The program as it runs, as bytes, and over the week; its forecast."""
