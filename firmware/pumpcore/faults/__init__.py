"""Numbers, names and texts of the faults."""
