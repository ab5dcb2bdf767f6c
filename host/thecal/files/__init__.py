"""Files that are read: TOML, benches, what comes with thecal."""
