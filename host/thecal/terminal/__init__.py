"""The console, folded tables, output files."""
