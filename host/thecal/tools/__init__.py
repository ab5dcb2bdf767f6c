"""Programs for developers: the demo, the wiring drawings."""
