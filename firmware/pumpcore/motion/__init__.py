"""Volume becomes steps, steps become moments."""
