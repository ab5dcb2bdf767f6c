"""The differences between simulated pumps; all of them follow from the seed."""

import hashlib

CRYSTAL_LIMIT_PPB = 30_000
HEAD_LIMIT_PPM = 80_000
BOOT_MIN_MS = 180
BOOT_MAX_MS = 420
_PPB = 1_000_000_000


class Individual:
    """One pump of the series: unique id, crystal error, true volume per step, boot time, token seeds, spread of flash times."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.unique_id = self._number("unique id").to_bytes(8, "little").hex()
        self.crystal_ppb = self._between("crystal", -CRYSTAL_LIMIT_PPB, CRYSTAL_LIMIT_PPB)
        self.head_ppm = self._between("head", -HEAD_LIMIT_PPM, HEAD_LIMIT_PPM)
        self.boot_ms = self._between("boot", BOOT_MIN_MS, BOOT_MAX_MS)

    def token_seed(self, power_up: int) -> int:
        """Return the u32 of the hardware's noise at the n-th power-up."""
        return self._number(f"tokens {power_up}") & 0xFFFF_FFFF

    def flash_spread_permille(self, operation: int) -> int:
        """Return the duration of this flash operation, in thousandths of the typical time (850 to 1150)."""
        return self._between(f"flash {operation}", 850, 1150)

    def noise(self, what: str) -> float:
        """Return a number from a normal distribution with standard deviation 1; the same for the same `what`."""
        bits = self._number(what)
        return sum((bits >> (16 * part)) & 0xFFFF for part in range(4)) / 37_837.2 - 3.464

    def share(self, what: str) -> float:
        """Return a number from 0 to 1 (excluded), evenly spread; the same for the same `what`."""
        return (self._number(what) >> 11) / (1 << 53)

    def _number(self, what: str) -> int:
        return int.from_bytes(hashlib.sha256(f"{self.seed}/{what}".encode()).digest()[:8], "little")

    def _between(self, what: str, low: int, high: int) -> int:
        return low + self._number(what) % (high - low + 1)


class Crystal:
    """The clock of one power-up: guest time runs off by `ppb` from true time, exact in integers."""

    def __init__(self, ppb: int, origin_ns: int, offset_ns: int) -> None:
        self._rate = _PPB + ppb
        self._origin_ns = origin_ns
        self._offset_ns = offset_ns

    def guest_ns(self, true_ns: int) -> int:
        """Return the guest's clock at this true time."""
        return self._offset_ns + (true_ns - self._origin_ns) * self._rate // _PPB

    def true_ns(self, guest_ns: int) -> int:
        """Return the first true time at which the guest's clock shows at least `guest_ns`."""
        return self._origin_ns - (self._offset_ns - guest_ns) * _PPB // self._rate

    def true_after_ns(self, true_ns: int, guest_ns: int) -> int:
        """Return the first true time at which the guest's clock shows at least `guest_ns` more than at `true_ns`."""
        shown_ns = (true_ns - self._origin_ns) * self._rate // _PPB
        return self._origin_ns - (-shown_ns - guest_ns) * _PPB // self._rate
