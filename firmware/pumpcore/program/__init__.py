"""The program: as it runs, as bytes, over the week, days ahead."""
