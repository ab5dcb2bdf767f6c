"""One file per noun of the protocol. A handler takes the pump and checked parameters and returns the result."""
