"""Dose by volume: learn by weight what each angle of the rotor brings, and verify it later."""
