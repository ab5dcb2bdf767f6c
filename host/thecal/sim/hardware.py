"""The parts of a pump and its bench that survive a power cut, and one power-up of the chip on them."""

from typing import Any

from thecal.files.bench import Bench
from thecal.sim.devices import ClockChip, Devices, Panel
from thecal.sim.errors import GuestExit, SimulatorError, WasiError
from thecal.sim.guest.descriptors import Opener
from thecal.sim.guest.filesystem import FileSystem
from thecal.sim.guest.flash import PAGE_BYTES, FlashChip
from thecal.sim.guest.runtime import Runtime
from thecal.sim.guest.wasi import Wasi, arguments
from thecal.sim.line import Line
from thecal.sim.options import COLLECTORS, HEAP_BYTES
from thecal.sim.timeline import NEVER_NS, Timeline
from thecal.sim.world.balance import BalanceOptions, Pan
from thecal.sim.world.balance_line import BalanceLine
from thecal.sim.world.fluid import Fluid
from thecal.sim.world.head import Head, HeadSpec
from thecal.sim.world.individual import Crystal, Individual
from thecal.sim.world.outlet import Outlet
from thecal.sim.world.plant import Plant
from thecal.sim.world.rotor import Rotor
from thecal.sim.world.rotor_sensor import RotorSensor

READS_WITHOUT_WAIT_LIMIT = 1_000_000
_NS_PER_MS = 1_000_000
_PAGE_NS = 400_000
_ERASE_NS = {"typical": 45 * _NS_PER_MS, "worst": 400 * _NS_PER_MS}
FLASH_TIMES = ("none", *_ERASE_NS)


class Hardware:
    """One bench with the pump on it."""

    def __init__(self, bench: Bench, individual: Individual, timeline: Timeline, chip: FlashChip) -> None:
        self.bench = bench
        self.individual = individual
        self.timeline = timeline
        self.chip = chip
        self.plant = Plant()
        self.rotor: Rotor | None = None
        self.sensor: RotorSensor | None = None
        self.panel = Panel()
        self.panel.measure_by(bench.get("motor", {}))
        self.clock_chip = ClockChip() if bench.get("clock_chip") else None
        self.line = Line(timeline.condition)
        self.crystal = Crystal(0, 0, 0)
        self.heap_bytes, self.collector = HEAP_BYTES, COLLECTORS[0]
        self.loud = True  # the output of a failing firmware goes to this process's standard error
        chip.stamp = self._stamp

    def set_flash_time(self, name: str) -> None:
        """Set the time of an erase or a page: `none`, `typical` (with the individual's spread) or `worst`."""
        if name not in FLASH_TIMES:
            raise SimulatorError(f"flash time {name!r} is not one of {', '.join(FLASH_TIMES)}")
        if name != "none":
            self.chip.observe = lambda kind, size_bytes: self._spend(name, kind, size_bytes)

    def put_head(self, spec: HeadSpec, balance: BalanceOptions | None) -> Rotor:
        """Put a head on the motor, before the first step. Raises SimulatorError if there is no such head."""
        density_mg_per_ml, lag_s = (balance.density_mg_per_ml, balance.lag_s) if balance is not None else (1000.0, 0.0)
        head = Head(spec, self.bench, self.individual)
        self.rotor = Rotor(head, Outlet(head, density_mg_per_ml, lag_s), self.bench, self.individual)
        self.plant.watch, self.plant.on_energise = self.rotor.follow, self.rotor.energised
        return self.rotor

    def put_sensor(self, rotor: Rotor) -> None:
        """Put an AS5600 on the rotor, in the direction that the bench names."""
        facts = self.bench.get("sensors", {}).get("rotor", {})
        self.sensor = RotorSensor(rotor, facts.get("direction") == "reverse")

    def put_balance(self, options: BalanceOptions) -> BalanceLine:
        """Put a tared balance with open ports under the outlet, before the first step."""
        if self.rotor is None:
            fluid = Fluid(self.bench, self.individual, options.pulsation_percent, options.density_mg_per_ml)
            self.plant.watch = fluid.note
        pan = Pan(fluid if self.rotor is None else self.rotor.outlet, self.individual, options, self.settle)
        return BalanceLine(pan, f"SIM{self.individual.seed:07}", self.timeline.lock)

    def set_motor_supply(self, supply_mv: int) -> None:
        """Set the motor's supply; it turns only with enough. The chip has its own supply, and wakes if it measures the motor's."""
        with self.timeline.condition:
            now_ns = self.settle()
            self.panel.set_supply(supply_mv)
            powered = supply_mv >= max(1, self.panel.supply_low_mv)
            if not powered:
                self._lose_driver()
            self.plant.supply(self.crystal.guest_ns(now_ns), powered)
            self.timeline.condition.notify_all()

    def settle(self) -> int:
        """Bring the plant up to now; return true time in ns."""
        with self.timeline.condition:
            now_ns = self.timeline.settle()
            self.plant.settle(self.crystal.guest_ns(now_ns))
            return now_ns

    def boot(self, power_up: int, cause: str) -> "PowerUp":
        """Apply power or a reset to the chip: motor off, guard at zero, uptime at the begin of the boot."""
        with self.timeline.condition:
            now_ns = self.settle()
            self.plant.power_down(self.crystal.guest_ns(now_ns))
            self.crystal = Crystal(self.individual.crystal_ppb, now_ns, self.individual.boot_ms * _NS_PER_MS)
            self.plant.power_up(self.crystal)
            self.panel.power_up()
            self.timeline.watchdog_at_ns = NEVER_NS
            boot = self._boot_facts(power_up, cause)
            self.panel.maintenance = False
        return PowerUp(self, boot)

    def lose_power(self) -> None:
        """Remove the supply: queued steps are not made, unflushed data is lost."""
        with self.timeline.condition:
            self.plant.power_down(self.crystal.guest_ns(self.settle()))
            self._lose_driver()
            if self.sensor is not None:
                self.sensor.power_up()
            self.panel.power_up()
            self.panel.maintenance = False
            self.chip.die()
            self.line.power(False)

    def _lose_driver(self) -> None:
        """The driver lost its supply."""
        if self.rotor is not None:
            self.rotor.driver_lost()

    def _boot_facts(self, power_up: int, cause: str) -> dict[str, Any]:
        motor = self.bench.get("motor", {})
        return {
            "unique_id": self.individual.unique_id,
            "token_seed": self.individual.token_seed(power_up),
            "reset_cause": cause,
            "maintenance": self.panel.maintenance,
            "clock_chip": self.clock_chip is not None,
            "motor_supply": self.panel.supply_low_mv > 0,
            "heap_bytes": self.heap_bytes,
            "collector": self.collector,
            "max_rate_hz": motor.get("max_rate_hz", 25_000),
        }

    def _stamp(self) -> tuple[int, int]:
        now_ns = self.settle()
        return self.plant.true_steps, now_ns // _NS_PER_MS

    def _spend(self, name: str, kind: str, size_bytes: int) -> bool:
        duration_ns = _ERASE_NS[name] if kind == "erase" else _PAGE_NS * max(1, size_bytes // PAGE_BYTES)
        if name == "typical":
            duration_ns = duration_ns * self.individual.flash_spread_permille(self.chip.operations) // 1000
        return self.timeline.spend(duration_ns)


class PowerUp:
    """One life of the firmware, from power or reset to its end."""

    def __init__(self, hardware: Hardware, boot: dict[str, Any]) -> None:
        self._hardware = hardware
        self._boot = boot
        self._crystal = hardware.crystal
        self._panel, self._is_ready = hardware.panel, hardware.line.is_ready
        self._clock_reads = 0
        self.standard_error = b""

    def run(self) -> None:
        """Run the guest; raise the exception that ended it. Called in the guest's thread."""
        hardware = self._hardware
        flash = FileSystem(hardware.chip)
        try:
            flash.mount()
        except WasiError:
            cause = "the flash contains no file system: the pump's data is lost, unless you have a copy of its image"
            raise SimulatorError(cause, "use the copy: thecal sim --image FILE, or start a new pump: thecal sim --fresh") from None
        devices = Devices(hardware.timeline, hardware.plant, hardware.panel, self._crystal, self._boot)
        files = {**devices.files(hardware.clock_chip, flash, hardware.sensor), "/dev/wait": devices.waiting(self._wait)}
        opener = Opener(flash, files)
        wasi = Wasi(opener, hardware.line, self._clock_ns, self._wait)
        wasi.arguments = arguments(hardware.heap_bytes)
        runtime = Runtime(wasi.imports())
        wasi.memory = runtime.memory
        wasi.standard_error.loud = hardware.loud
        try:
            runtime.run()
            raise GuestExit(0)  # a program that returns from main does not call exit
        finally:
            self.standard_error = wasi.standard_error.text
            runtime.close()

    def _clock_ns(self) -> int:
        self._clock_reads += 1
        if self._clock_reads > READS_WITHOUT_WAIT_LIMIT:
            raise SimulatorError("the firmware reads the clock in a loop without waiting; time moves only in a wait")
        return self._crystal.guest_ns(self._hardware.timeline.now_ns)

    def _wait(self, duration_ns: int | None, wants_input: bool) -> bool:
        self._clock_reads = 0
        timeline, deadline_ns = self._hardware.timeline, NEVER_NS
        if duration_ns is not None:
            deadline_ns = self._crystal.true_after_ns(timeline.now_ns, duration_ns)
        woken = timeline.wait(deadline_ns if deadline_ns < NEVER_NS else NEVER_NS, self._has_news if wants_input else bool)
        self._panel.calls = False
        return woken

    def _has_news(self) -> bool:
        return self._panel.calls or self._is_ready()
