"""Read a prescription file, compute exact values, compile a program."""
