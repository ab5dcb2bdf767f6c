"""The version of thecal."""

__version__ = "0.1.0"
