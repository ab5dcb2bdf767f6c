"""The littlefs of the simulator: only its free space is asked for in another way than on the board."""

from hal.sim import panel
from hal.vfs import Flash

if 0:  # for the type checker alone
    from hal.ports import EraseListener


class SimulatedFlash(Flash):
    def __init__(self, device: panel.Device) -> None:
        self._device = device

    def listen(self, look: "EraseListener | None") -> None:
        """Nobody has to look: a simulated erase takes no time."""

    def free_bytes(self) -> int:
        return self._device.answer_u64()
