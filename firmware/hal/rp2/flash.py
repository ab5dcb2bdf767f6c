"""The board's flash: the stock littlefs, on a block device of ours that calls a listener after each erase.

An erase takes up to 400 ms with interrupts off, and one durable operation may need several. Reads and page writes are the stock driver's
own functions, so they are as fast as before.
"""

import os

import rp2
import vfs
from micropython import const

from hal.vfs import Flash

if 0:  # for the type checker alone
    from hal.ports import EraseListener

_ROOT = const("/")
_PROG_BYTES = const(256)  # as in MicroPython's own _boot.py
_ERASE = const(6)  # MP_BLOCKDEV_IOCTL_BLOCK_ERASE


class _Blocks:
    """A block device for littlefs. `after_erase` must not touch the flash and must not raise."""

    def __init__(self) -> None:
        stock = rp2.Flash()
        self.readblocks = stock.readblocks
        self.writeblocks = stock.writeblocks
        self._control = stock.ioctl
        self.after_erase: "EraseListener | None" = None

    def ioctl(self, code: int, arg: int) -> int | None:
        """Call the stock driver's control function; after an erase call the listener."""
        result = self._control(code, arg)
        if code == _ERASE and self.after_erase is not None:
            self.after_erase()
        return result


class BoardFlash(Flash):
    """Mount the file system again instead of the stock mount. If that raises OSError, the stock mount stays."""

    def __init__(self) -> None:
        self.blocks = _Blocks()
        mounted = vfs.VfsLfs2(self.blocks, progsize=_PROG_BYTES)  # type: ignore[abstract, arg-type]  # the stubs know no device but their own
        vfs.umount(_ROOT)
        vfs.mount(mounted, _ROOT)
        os.chdir(_ROOT)

    def listen(self, look: "EraseListener | None") -> None:
        """Call `look` after each erase from now on; None ends that."""
        self.blocks.after_erase = look
