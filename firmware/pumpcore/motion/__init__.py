"""From volumes to steps, and from steps to times."""
