"""What the pump would refuse, said before anything is sent."""
