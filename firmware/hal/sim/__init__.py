"""The simulated bench. Every file here speaks to the plant by the device files of panel.py and holds no state of it."""
