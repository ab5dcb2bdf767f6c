"""From a file to exact values to a program."""
