"""`make demo`: a day of therapy on the simulated pump in virtual time, one power cut in the middle, and the books compared."""
