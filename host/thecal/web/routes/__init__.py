"""The paths of the server: what is looked at, what changes something, what is downloaded, who is there."""
