"""The formats of cable and journal, defined once: frames, messages, records. PROTOCOL.md describes them."""
