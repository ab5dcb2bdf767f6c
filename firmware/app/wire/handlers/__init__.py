"""One file per command; each handler takes the pump and checked parameters and returns the result's object."""
