"""`make hazards`: print the hazard table with the names of the tests and mutations of each rule."""

from hazards.table import render

if __name__ == "__main__":
    print(render(names=True))
