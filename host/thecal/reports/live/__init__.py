"""The live view of `thecal watch`: the last hour and today, as a line or a live table."""
