"""The shapes that `--json` prints."""
