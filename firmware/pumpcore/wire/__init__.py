"""What goes over the cable and into the journal, defined once: frames, messages, records. PROTOCOL.md is the written form."""
