"""What a pump did, from its journal: one time line of planned and delivered steps, exact, with what is uncertain kept apart."""
