"""The delivery tick and what it moves: leases, orders, the motor."""
