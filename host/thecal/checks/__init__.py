"""Check programs and orders with the pump's own rules, before the host sends them."""
