"""`make bench`: our firmware against named peers on one emulated chip, in one run. README.md explains how each figure is measured."""
