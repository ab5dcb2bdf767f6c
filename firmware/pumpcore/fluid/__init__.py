"""The fluid in the reservoir and in the line."""
