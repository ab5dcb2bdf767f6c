"""`make bench`: ours against named peers on one emulated chip, in one run. README.md says how each figure is measured."""
