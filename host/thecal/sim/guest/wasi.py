"""The 24 WASI calls of the guest: arguments, clock, waiting, and files by descriptor.

Standard input and output are the USB line, `/dev/...` is the hardware, everything else lies in the littlefs.
A function takes unsigned 32-bit words and returns a WASI error number; of 64-bit arguments only the low word is used.
"""

import struct
from collections.abc import Callable

from thecal.sim.errors import GuestExit, WasiError
from thecal.sim.guest.descriptors import BAD_DESCRIPTOR, Descriptor, Folder, Opener, StandardError, UsbInput, UsbOutput
from thecal.sim.guest.runtime import GuestMemory, HostFunction
from thecal.sim.line import Line
from thecal.sim.options import HEAP_BYTES

ENVIRONMENT = (b"MICROPYPATH=/:/lib",)
EPOCH_NS = 1_609_459_200_000_000_000  # 2021-01-01, where the board's clock starts

_ROOT_DESCRIPTOR = 3
_READ_EVENT, _WRITE_EVENT = 1, 2
_ABSOLUTE_TIME = 1
_ANY_RIGHTS = (1 << 30) - 1
_NOT_A_LINK = 28
_U64 = struct.Struct("<Q")
_put_u32 = struct.Struct("<I").pack_into
_EVENT = struct.Struct("<QHB5xQH6x")
_take_vector = struct.Struct("<II").unpack_from



def arguments(heap_bytes: int) -> tuple[bytes, ...]:
    """Return the command line of the guest."""
    return b"micropython", b"-X", b"heapsize=%d" % heap_bytes, b"/main.py"


Wait = Callable[[int | None, bool], bool]


class Wasi:
    """`clock_ns()` is the guest's clock; `wait(duration_ns or None, wants_input)` says whether input is there."""

    memory: GuestMemory

    def __init__(self, opener: Opener, line: Line, clock_ns: Callable[[], int], wait: Wait) -> None:
        self._opener = opener
        self._line = line
        self._clock_ns = clock_ns
        self._wait = wait
        self.arguments = arguments(HEAP_BYTES)
        self.standard_error = StandardError()
        self._open: dict[int, Descriptor] = {
            0: UsbInput(line),
            1: UsbOutput(line),
            2: self.standard_error,
            _ROOT_DESCRIPTOR: Folder("/", opener.files),
        }
        self._next_descriptor = _ROOT_DESCRIPTOR + 1

    def imports(self) -> dict[str, HostFunction]:
        """Return every public function of this class with the name of a WASI call."""
        prefixes = ("args_", "environ_", "clock_", "fd_", "path_", "poll_", "proc_", "sched_")
        return {name: getattr(self, name) for name in dir(self) if name.startswith(prefixes)}

    # -- process

    def args_sizes_get(self, count: int, size: int) -> int:
        return self._sizes(self.arguments, count, size)

    def args_get(self, pointers: int, text: int) -> int:
        return self._texts(self.arguments, pointers, text)

    def environ_sizes_get(self, count: int, size: int) -> int:
        return self._sizes(ENVIRONMENT, count, size)

    def environ_get(self, pointers: int, text: int) -> int:
        return self._texts(ENVIRONMENT, pointers, text)

    def _sizes(self, texts: tuple[bytes, ...], count: int, size: int) -> int:
        self.memory.set_u32(count, len(texts))
        self.memory.set_u32(size, sum(len(text) + 1 for text in texts))
        return 0

    def _texts(self, texts: tuple[bytes, ...], pointers: int, address: int) -> int:
        for index, text in enumerate(texts):
            self.memory.set_u32(pointers + 4 * index, address)
            self.memory.put(address, text + b"\0")
            address += len(text) + 1
        return 0

    def proc_exit(self, code: int) -> int:
        raise GuestExit(code)

    def sched_yield(self) -> int:
        return 0

    # -- time

    def clock_time_get(self, clock: int, precision: int, result: int) -> int:
        epoch_ns = EPOCH_NS if clock == 0 else 0
        _U64.pack_into(self.memory.view, result, self._clock_ns() + epoch_ns)
        return 0

    def poll_oneoff(self, subscriptions: int, events: int, count: int, result: int) -> int:
        """Waits for input, or for the shortest of the given times; output is always ready."""
        raw = self.memory.take(subscriptions, 48 * count)
        duration_ns, timer, inputs, ready = None, 0, [], []
        for start in range(0, 48 * count, 48):
            user, tag = struct.unpack_from("<QB", raw, start)
            if tag == _READ_EVENT:
                inputs.append(user)
            elif tag == _WRITE_EVENT:
                ready.append((user, 0, tag, 1, 0))
            else:
                left_ns = self._left_ns(raw, start)
                if duration_ns is None or left_ns < duration_ns:
                    duration_ns, timer = left_ns, user
        if not ready:
            if self._wait(duration_ns, bool(inputs)):
                ready = [(user, 0, _READ_EVENT, self._line.waiting(), 0) for user in inputs]
            else:
                ready = [(timer, 0, 0, 0, 0)]
        for index, event in enumerate(ready):
            _EVENT.pack_into(self.memory.view, events + 32 * index, *event)
        self.memory.set_u32(result, len(ready))
        return 0

    def _left_ns(self, raw: bytes, start: int) -> int:
        clock, time_ns, _, flags = struct.unpack_from("<I4xQQH", raw, start + 16)
        if not flags & _ABSOLUTE_TIME:
            return time_ns
        epoch_ns = EPOCH_NS if clock == 0 else 0
        return max(0, time_ns - epoch_ns - self._clock_ns())

    # -- files by descriptor

    def fd_prestat_get(self, descriptor: int, result: int) -> int:
        if descriptor != _ROOT_DESCRIPTOR:
            return BAD_DESCRIPTOR
        self.memory.put(result, struct.pack("<II", 0, 1))
        return 0

    def fd_prestat_dir_name(self, descriptor: int, path: int, size: int) -> int:
        self.memory.put(path, b"/"[:size])
        return 0

    def fd_fdstat_get(self, descriptor: int, result: int) -> int:
        kind = self._descriptor(descriptor).kind
        self.memory.put(result, struct.pack("<BxH4xQQ", kind, 0, _ANY_RIGHTS, _ANY_RIGHTS))
        return 0

    def fd_read(self, descriptor: int, vectors: int, count: int, result: int) -> int:
        view = self.memory.view
        address, size_bytes = _take_vector(view, vectors)
        opened = self._open.get(descriptor) or self._descriptor(descriptor)
        _put_u32(view, result, opened.read_into(view, address, size_bytes))
        return 0

    def fd_write(self, descriptor: int, vectors: int, count: int, result: int) -> int:
        view = self.memory.view
        address, size_bytes = _take_vector(view, vectors)
        data = view[address : address + size_bytes].tobytes()
        if count > 1:
            for start in range(vectors + 8, vectors + 8 * count, 8):
                address, size_bytes = _take_vector(view, start)
                data += view[address : address + size_bytes]
        opened = self._open.get(descriptor) or self._descriptor(descriptor)
        _put_u32(view, result, opened.write(data))
        return 0

    def fd_seek(self, descriptor: int, offset: int, whence: int, result: int) -> int:
        signed = offset - (1 << 32) if offset >> 31 else offset
        position = self._descriptor(descriptor).seek(signed, whence)
        self.memory.put(result, _U64.pack(position))
        return 0

    def fd_sync(self, descriptor: int) -> int:
        self._descriptor(descriptor).sync()
        return 0

    def fd_close(self, descriptor: int) -> int:
        self._descriptor(descriptor)
        self._open.pop(descriptor).close()
        return 0

    def fd_readdir(self, *words: int) -> int:
        descriptor, buffer, size_bytes, cookie, result = words
        listing = b""
        for index, (name, is_folder) in enumerate(self._descriptor(descriptor).entries()):
            if index >= cookie:
                raw = name.encode()
                listing += struct.pack("<QQIB3x", index + 1, index + 1, len(raw), 3 if is_folder else 4) + raw
        self.memory.put(buffer, listing[:size_bytes])
        self.memory.set_u32(result, min(len(listing), size_bytes))
        return 0

    def _descriptor(self, number: int) -> Descriptor:
        try:
            return self._open[number]
        except KeyError:
            raise WasiError(BAD_DESCRIPTOR) from None

    # -- files by path

    def path_open(self, *words: int) -> int:
        _, _, path, size_bytes, create_flags, rights, _, descriptor_flags, result = words
        opened = self._opener.open(self._path(path, size_bytes), create_flags, rights, descriptor_flags)
        number = self._next_descriptor
        self._next_descriptor += 1
        self._open[number] = opened
        self.memory.set_u32(result, number)
        return 0

    def path_filestat_get(self, *words: int) -> int:
        _, _, path, size_bytes, result = words
        is_folder, length = self._opener.stat(self._path(path, size_bytes))
        kind = 3 if is_folder else 4
        self.memory.put(result, struct.pack("<QQB7xQQQQQ", 1, 1, kind, 1, length, 0, 0, 0))
        return 0

    def path_create_directory(self, folder: int, path: int, size_bytes: int) -> int:
        self._opener.files.make_folder(self._path(path, size_bytes))
        return 0

    def path_remove_directory(self, folder: int, path: int, size_bytes: int) -> int:
        self._opener.files.remove(self._path(path, size_bytes))
        return 0

    def path_unlink_file(self, folder: int, path: int, size_bytes: int) -> int:
        self._opener.files.remove(self._path(path, size_bytes))
        return 0

    def path_rename(self, *words: int) -> int:
        _, old, old_bytes, _, new, new_bytes = words
        self._opener.files.rename(self._path(old, old_bytes), self._path(new, new_bytes))
        return 0

    def path_readlink(self, *words: int) -> int:
        return _NOT_A_LINK

    def _path(self, address: int, size_bytes: int) -> str:
        return self._opener.absolute(self.memory.take(address, size_bytes))
