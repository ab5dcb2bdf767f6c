"""Other programs that have a port: real processes, each ended by its caller."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator

_OPEN = "import fcntl, os, sys, termios; fd = os.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY)\n"
_LOCK = _OPEN + "fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)\n"
_WAIT = "print('ready', flush=True); sys.stdin.read()\n"
# holds the lock and does nothing, as `flock -x PORT sleep 60`
LOCKS = _LOCK + _WAIT
# the same, with half a line sent
LOCKS_WITH_HALF_A_LINE = _LOCK + 'os.write(fd, b\'{"jsonrpc":"2.0","id":\')\n' + _WAIT
# reads everything away, without a lock
READS = _OPEN + "print('ready', flush=True)\nwhile True: os.read(fd, 4096)\n"
LOCKS_AND_READS = _LOCK + "print('ready', flush=True)\nwhile True: os.read(fd, 4096)\n"
# the system keeps out everybody except root
EXCLUDES = _OPEN + "fcntl.ioctl(fd, termios.TIOCEXCL)\n" + _WAIT

CAP_SYS_ADMIN, PR_CAPBSET_DROP = 21, 24
# runs the rest of its arguments as a program that TIOCEXCL binds
BOUND = (
    "import ctypes, os, sys\n"
    f"os.getuid() or ctypes.CDLL(None).prctl({PR_CAPBSET_DROP}, {CAP_SYS_ADMIN}, 0, 0, 0)\n"
    "os.execv(sys.argv[1], sys.argv[1:])\n"
)


@contextlib.contextmanager
def holder(program: str, port: str) -> Iterator[int]:
    """Yield the process number of a program that has the port inside the block, and no longer after it."""
    process = subprocess.Popen([sys.executable, "-c", program, port], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "ready\n"
        yield process.pid
    finally:
        process.kill()
        process.communicate()
