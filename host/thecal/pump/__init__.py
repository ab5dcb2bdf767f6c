"""The pump as an object: its port, one method per message, its orders, its clock."""
