"""The hardware, one folder per target with the same names inside. main.py picks the folder; nobody else knows which."""
