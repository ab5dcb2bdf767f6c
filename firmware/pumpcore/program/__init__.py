"""The program: packing, schedule, settings, forecast."""
