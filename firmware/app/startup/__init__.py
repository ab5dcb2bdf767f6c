"""From power-up to the first turn of the loop."""
