"""Read files: TOML, benches, thecal's own data files."""
