"""Names that stock MicroPython has in its ROM: one that another version has not costs a few bytes, nothing else.

The first ones are in the ROM of every MicroPython, and a compiled file needs no letters for them (static_qstr_list of its
makeqstrdata.py).
"""

ROM_NAMES = (
    "ArithmeticError", "AssertionError", "Ellipsis", "GeneratorExit", "IndentationError", "LookupError", "NoneType",
    "append", "args", "bytecode", "clear", "close", "copy", "count", "end", "endswith", "extend", "find", "from_bytes",
    "get", "index", "insert", "isalpha", "isdigit", "islower", "isspace", "isupper", "items", "join", "key", "keys",
    "little", "lower", "lstrip", "main", "micropython", "pop", "popitem", "read", "readinto", "readline", "remove",
    "replace", "reverse", "rfind", "rindex", "rsplit", "rstrip", "send", "sep", "setdefault", "sort", "split", "start",
    "startswith", "step", "stop", "strip", "throw", "to_bytes", "update", "upper", "value", "values", "write", "abs_tol",
    "accept", "acos", "acosh", "addressof", "asin", "asinh", "atan", "atan2", "atanh", "backlog", "baudrate", "bind",
    "blit", "bound_method", "cancel", "ceil", "chdir", "cmath", "collect", "current_task", "decode", "degrees", "deque",
    "dupterm", "dump", "dumps", "enable", "erfc", "errno", "expm1", "fabs", "fill", "fill_rect", "firstbit", "floor",
    "flush", "fmod", "framebuf", "frexp", "getcwd", "getrandbits", "groups", "hard", "heappop", "heappush", "heapify",
    "hline", "humidity", "ilistdir", "ipoll", "ioctl", "isclose", "isdisjoint", "isenabled", "isfinite", "isinf", "isnan",
    "issubset", "issuperset",
)

# Private names that are MicroPython's.
ROM_PRIVATE = ("_machine", "_mpy", "_build", "_thread", "_rp2", "_boot", "_asyncio", "_onewire")
