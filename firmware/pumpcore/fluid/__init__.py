"""What the reservoir and the line hold."""
