"""The tick and what it moves: leases, orders, the motor."""
