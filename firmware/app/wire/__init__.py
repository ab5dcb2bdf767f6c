"""The session with the host, and the handlers of its commands."""
