"""What people are told about a fault, read from flash for the moment: 5 kB that a pump does not keep in its memory."""

if 0:  # for the type checker alone
    from app.types import System

_TABLE = "pumpcore.fault_texts"


def told(system: "System", names: "list[str]") -> "list[tuple[str, str]]":
    """[(text, what to do)] of the faults with these names; the name alone when the flash or the memory does not give more."""
    try:
        from pumpcore import fault_texts

        return [fault_texts.told(name) for name in names]
    except (ImportError, OSError, MemoryError):
        return [(name, "") for name in names]
    finally:
        system.forget(_TABLE)
