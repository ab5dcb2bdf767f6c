"""What `thecal watch` shows: what the journal and the looks tell of the last hour and of today, as a line or a live table."""
