"""The Python interface: a pump as one object, with the reviews and checks of the command line, which is made of it."""
