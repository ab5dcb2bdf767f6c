"""Facts of a pump in words."""
