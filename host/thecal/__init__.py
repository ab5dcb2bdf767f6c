"""thecal: the host side of a programmable bench pump. A bench instrument: never for a person or an animal."""

__version__ = "0.1.0"
