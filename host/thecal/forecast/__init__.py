"""What a prescription will do in the days to come, before anything is sent: rates, doses, reservoir, front, ceilings."""
