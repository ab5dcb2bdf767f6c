"""What runs on the board's prompt: texts in MicroPython. Each ends by saying so, since mpremote prints a traceback like any output.

All paths are absolute and given as Python literals. None of these texts makes, mounts or formats a file system.
"""

from __future__ import annotations

from collections.abc import Sequence

SAYS = "thecal:"
DONE = "done"

# A pump that crashed leaves its watchdog running, which would reset the board in the middle of a copy. The chip can end it
# though MicroPython can't: bit 30 of WATCHDOG_CTRL, by the address that clears the bits written to it.
_SURVEY = """
import os, sys, json, binascii, hashlib, machine
if 'RP2040' in sys.implementation._machine: machine.mem32[0x4005B000] = 1 << 30
def say(*words): print(%(says)r, *words)
def digest(path):
    h = hashlib.sha256()
    with open(path, 'rb') as f:
        part = f.read(1024)
        while part:
            h.update(part)
            part = f.read(1024)
    return binascii.hexlify(h.digest()).decode()
def walk(folder):
    for entry in os.ilistdir(folder or '/'):
        path = folder + '/' + entry[0]
        if entry[1] & 0x4000:
            say('folder', path)
            walk(path)
        else:
            wanted = any([path.startswith(root) for root in %(hashed)r])
            say('file', os.stat(path)[6], digest(path) if wanted else '-', path)
i, v = sys.implementation, os.statvfs('/')
say('facts', json.dumps({'unique_id': binascii.hexlify(machine.unique_id()).decode(), 'machine': i._machine, 'mpy': i._mpy,
    'version': list(i.version[:3]), 'free_bytes': v[1] * v[3]}))
walk('')
"""

_PREPARE = """
import os
def gone(path):
    try: os.remove(path)
    except OSError as e:
        if e.errno != 2: raise
gone(%(manifest)r)
for folder in %(folders)r:
    try: os.mkdir(folder)
    except OSError as e:
        if e.errno != 17: raise
"""

_REMOVE = """
import os
for path in %(files)r: os.remove(path)
for folder in %(folders)r: os.rmdir(folder)
"""

_RENAME = """
import os
for old, new in %(moves)r: os.rename(old, new)
"""


def survey(hashed: Sequence[str]) -> str:
    """Says the board's facts, every folder and every file with its size, and the SHA-256 of those below the `hashed` paths."""
    return _ended(_SURVEY % {"says": SAYS, "hashed": list(hashed)})


def prepare(manifest: str, folders: Sequence[str]) -> str:
    """Removes the manifest, so that from here on nothing on the board matches one, and makes the folders that are missing."""
    return _ended(_PREPARE % {"manifest": manifest, "folders": list(folders)})


def remove(files: Sequence[str], folders: Sequence[str]) -> str:
    """Removes files, then folders, in the order given."""
    return _ended(_REMOVE % {"files": list(files), "folders": list(folders)})


def rename(moves: Sequence[tuple[str, str]]) -> str:
    """Puts complete files, (old path, new path), in the places of others, each in one step also for a power cut."""
    return _ended(_RENAME % {"moves": list(moves)})


def _ended(text: str) -> str:
    return f"{text}print({SAYS!r}, {DONE!r})\n"
