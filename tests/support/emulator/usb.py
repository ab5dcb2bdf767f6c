"""The USB host: it waits for the pump's output, and holds bytes back until the pump reads them.

The emulator's host answers every read of the guest at once, with nothing if there is nothing, and so keeps the CPU from ever sleeping; a
real host is silent then. Bytes for the guest wait here in any number.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from support.emulator.board import EmulatedBoard

_LATENCY_NS = 10_000
_PACKET_BYTES = 64
FULL_SPEED_PACKET_NS = 53_000  # 64 bytes at 12 Mbit/s with its overhead


class Host:
    """The other end of one power-up's USB line. `on_output(bytes)` gets the guest's output."""

    def __init__(self, mcu: Any, on_output: Callable[[bytes], None], on_connected: Callable[[], None]) -> None:
        from rp2040py.usb.cdc import USBCDC

        self._mcu = mcu
        self._on_connected = on_connected
        self._cdc = USBCDC(mcu.usb_ctrl)
        self._cdc.on_serial_data = lambda data: on_output(bytes(data))
        self._cdc.on_device_connected = self._connected
        self._read = mcu.usb_ctrl.on_endpoint_read
        mcu.usb_ctrl.on_endpoint_read = self._asked
        self._waiting: deque[int] = deque()
        self._asked_bytes: int | None = None
        self._answer = mcu.clock.create_alarm(self._give)
        self.connected = False

    def send(self, data: bytes) -> None:
        """Send bytes to the guest, at the pace at which it reads."""
        self._waiting.extend(data)
        if self._asked_bytes is not None:
            self._answer.schedule(_LATENCY_NS)

    def unread(self) -> int:
        """Bytes that the guest has not read yet."""
        return len(self._waiting)

    def reset(self) -> None:
        """The chip was reset: it will enumerate again, and unread bytes are lost."""
        self._answer.cancel()
        self._waiting.clear()
        self._asked_bytes = None
        self.connected = False

    def _connected(self) -> None:
        self.connected = True
        self._on_connected()

    def _asked(self, endpoint: int, size_bytes: int) -> None:
        if endpoint != self._cdc._out_endpoint:
            self._read(endpoint, size_bytes)
            return
        self._asked_bytes = size_bytes
        if self._waiting:
            self._answer.schedule(FULL_SPEED_PACKET_NS)

    def _give(self) -> None:
        size_bytes, self._asked_bytes = self._asked_bytes, None
        if size_bytes is None:
            return
        count = min(size_bytes, _PACKET_BYTES, len(self._waiting))
        packet = bytes(self._waiting.popleft() for _ in range(count))
        self._mcu.usb_ctrl.endpoint_read_done(self._cdc._out_endpoint, packet)


class DeafHost:
    """A host that has the port open and takes no packet, or one now and then, until it reads again."""

    def __init__(self, chip: EmulatedBoard) -> None:
        self._chip = chip
        self._usb = chip.chip.mcu.usb_ctrl
        self._endpoint = chip.chip.host._cdc._in_endpoint
        self._taken = self._usb._indicate_buffer_ready
        self._held = 0

    def close_its_ears(self) -> None:
        def keep(endpoint: int, out: bool) -> None:
            if endpoint == self._endpoint and not out:
                self._held += 1
            else:
                self._taken(endpoint, out)

        self._usb._indicate_buffer_ready = keep

    def take_one_packet_every(self, every_ns: int) -> None:
        self.close_its_ears()

        def take() -> None:
            if self._held:
                self._held -= 1
                self._taken(self._endpoint, False)
            if self._usb._indicate_buffer_ready != self._taken:
                self._chip.at(every_ns, take)

        self._chip.at(every_ns, take)

    def hear(self) -> None:
        self._usb._indicate_buffer_ready = self._taken
        while self._held:
            self._held -= 1
            self._taken(self._endpoint, False)
