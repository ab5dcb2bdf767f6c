"""The hardware: one folder per target with the same names inside. Only main.py knows which one is in use."""
