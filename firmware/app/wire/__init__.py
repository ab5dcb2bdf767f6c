"""What the other end of the line asks, and who answers."""
