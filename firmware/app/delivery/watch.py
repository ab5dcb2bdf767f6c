"""Compare the rotor's angle with the motor's position. Loaded only with a sensor; it may stop or warn, and never adds a step."""

from pumpcore.units import NEVER_MS, const

if 0:  # for the type checker alone
    from app.types import BenchFacts, Clock, Delivery, RotorSensor

# Angles are in counts of the sensor: 4096 to a turn of the rotor, one is 0.09 degrees.
_TURN = const(4096)
_HALF = const(2048)
_NOTHING = const(23)  # 2 degrees: so far the rotor may stand off
_SLIP = const(57)  # 5 degrees
_STALL = const(114)  # 10 degrees of the motor, in which the rotor stands
_FOLLOWS = const(11)  # 1 degree; also: two readings that differ by more are not believed
_LOOK = const(34)  # 3 degrees of the motor from look to look, if the time between them allows it
_SLOWEST_MS = const(2_000)
_QUICKEST_MS = const(100)
_SETTLING = const(20)  # readings until the rotor stands
_MAGNET = const(0x20)  # status: magnet detected
_WEAK = const(0x10)  # magnet too weak: ten times the noise
_RETRY_MS = const(10_000)
_LAST_RETRY_MS = const(300_000)

BINS = const(16)  # of a turn, in which the sensor's nonlinearity is learned
_BIN = const(_TURN // BINS)
_FAULTS = const(("rotor_shifted", "rotor_slipped", "rotor_stalled", "rotor_reversed", "rotor_turned"))  # by the record's kind


def near(angle: int) -> int:
    """Return an angle as -2048 to 2047."""
    return (angle + _HALF) % _TURN - _HALF


class Watch:
    """`zero`: the sensor's angle at the table's first bin, without its nonlinearity; -1 if unknown. `curve`: the nonlinearity
    at 16 places of a turn, in counts; () if unknown. `state`: "ok", "no_answer" or "magnet_lost". `due_ms`: uptime of the next look.
    """

    def __init__(self, sensor: "RotorSensor", bench: "BenchFacts", clock: "Clock", delivery: "Delivery") -> None:
        self.sensor, self.delivery, self.clock = sensor, delivery, clock
        self.motion = delivery.motion
        self._forward, self._turns, self._turns_steps = bench.sensor_forward, bench.turns, bench.turns_steps
        self.zero = -1
        self.curve: "tuple[int, ...]" = ()
        self.sums: "list[int]" = []
        self.state, self.due_ms, self._retry_ms, self._wait_ms = "ok", NEVER_MS, 0, _RETRY_MS
        self._begun = self.slipped = False
        self._stale = 0  # 1: set the zero anew once the shift is steady; 2: set it anew at the next lease
        self._offset = self._off = self._was = self._lost = self._looked_ms = self._slip_at = 0
        self._last_steps = self._anchor_steps = self._anchor_lost = 0

    # -- reading ----------------------------------------------------------------------------------------------

    def angle(self) -> int:
        """Return the sensor's angle, rising with the motor; -1 if it shows none. After a failure the next try waits, ever longer."""
        now_ms = self.clock.uptime_ms()
        if now_ms < self._retry_ms:
            return -1
        try:
            counts = self.sensor.counts()
            found = "ok" if self.sensor.status & _MAGNET else "magnet_lost"
        except OSError:
            self.sensor.free()
            found = "no_answer"
        self.state = found
        if found == "ok":
            self._retry_ms, self._wait_ms = 0, _RETRY_MS
            return counts if self._forward else -counts % _TURN
        self._retry_ms, self._wait_ms = now_ms + self._wait_ms, min(2 * self._wait_ms, _LAST_RETRY_MS)
        self._lose("phase_sensor")
        self._stale = 2
        self.delivery.report.fault("rotor_sensor")
        return -1

    def straight(self, counts: int) -> int:
        """Return an angle without the sensor's nonlinearity."""
        if not self.curve:
            return counts
        number, part = divmod((counts - _BIN // 2) % _TURN, _BIN)
        low, high = self.curve[number], self.curve[(number + 1) % BINS]
        return (counts - low - (high - low) * part // _BIN) % _TURN

    def place(self, motor_steps: int) -> int:
        """Return the angle that a motor's position is, from its position 0 on."""
        return motor_steps * self._turns % self._turns_steps * _TURN // self._turns_steps

    def _look(self) -> "tuple[int, int]":
        """Return (angle, motor's position in the middle of the read); an angle of -1: none."""
        before = self.motion.motor_steps()
        counts = self.angle()
        return counts, (before + self.motion.motor_steps()) // 2

    def _steps(self, angle: int) -> int:
        return (2 * angle * self._turns_steps + _TURN * self._turns) // (2 * _TURN * self._turns)

    # -- finding ----------------------------------------------------------------------------------------------

    def shows(self) -> bool:
        """Return True if the sensor shows an angle."""
        return self.state == "ok"

    def finds(self) -> bool:
        """Return True if the next `begin` will know the rotor's angle."""
        return self.zero >= 0 and self.state == "ok" and not self._stale and not self.slipped

    def begin(self) -> None:
        """Wait until the rotor stands, then take the sensor's angle as right. The law knows its phase again."""
        counts, motor_steps = self._look()
        for _ in range(_SETTLING):
            before = counts
            counts, motor_steps = self._look()
            if counts < 0 or abs(near(counts - before)) <= 1:
                break
        if counts < 0:
            return
        angle = self.straight(counts)
        self._rest(angle - self.place(motor_steps), motor_steps)
        self._stale, self._begun = 0, True
        law = self.motion.law
        if self.zero >= 0 and law is not None and not self.slipped:
            law.set_phase((motor_steps - self._steps((angle - self.zero) % _TURN)) % self._turns_steps)

    def lease(self, first: bool, alone: bool) -> None:
        """Prepare for the next lease: set the zero anew at the first one, and after a shift that was steady for a whole lease."""
        if first:
            self._begun = self.slipped = False
            self.due_ms = 0
            self.sums = [0] * (2 * BINS) if alone else []
            self.begin()
            self._anchor_steps, self._anchor_lost, self._slip_at = self._last_steps, self._lost, 0
        elif self._stale > 1 or (self._stale and self._was and abs(self._off - self._was) <= _FOLLOWS):
            self.begin()
        self._was = self._off if self._stale else 0

    def _rest(self, offset: int, motor_steps: int) -> None:
        """Take the present angle as right."""
        self._offset, self._last_steps, self._off = offset, motor_steps, 0
        if self.sums:
            self.sums = [0] * (2 * BINS)

    def learn(self, zero_steps: int) -> None:
        """Note the sensor's angle at the first bin, and its nonlinearity if the last run made two turns."""
        sums, self.sums = self.sums, []
        if sums and min(sums[BINS:]) > 1:
            means = [(2 * sums[at] + sums[BINS + at]) // (2 * sums[BINS + at]) for at in range(BINS)]
            middle = sum(means) // BINS
            self.curve = tuple([mean - middle for mean in means])
            self.zero = (middle + self._offset + self.place(zero_steps)) % _TURN
            return
        counts, motor_steps = self._look()
        self.zero = -1 if counts < 0 else (self.straight(counts) - self.place(motor_steps) + self.place(zero_steps)) % _TURN

    # -- looking ----------------------------------------------------------------------------------------------

    def check(self, uptime_ms: int) -> None:
        """Look once while the motor is energised. A rotor that stands, goes back or is turned by hand ends in the safe state."""
        counts, motor_steps = self._look()
        self._plan(uptime_ms, self._angle_of(motor_steps - self._last_steps))
        if counts < 0 or not self._begun:
            return
        off = self._off_at(counts, motor_steps)
        if abs(near(off - self._off)) > _FOLLOWS:  # one reading may be wrong
            counts, motor_steps = self._look()
            again = self._off_at(counts, motor_steps)
            if counts < 0 or abs(near(off - again)) > _FOLLOWS:
                return
        if self.sums:
            self._sum(counts, near(counts - self._offset - self.place(motor_steps)))
        self._lost -= near(off - self._off)
        self._off, self._last_steps = off, motor_steps
        self._judge(off, motor_steps)

    def _plan(self, uptime_ms: int, asked: int) -> None:
        passed_ms, self._looked_ms = uptime_ms - self._looked_ms, uptime_ms
        self.due_ms = uptime_ms + max(_QUICKEST_MS, min(_SLOWEST_MS, passed_ms * _LOOK // (asked + 1)))

    def _off_at(self, counts: int, motor_steps: int) -> int:
        return near(self.straight(counts) - self._offset - self.place(motor_steps))

    def _angle_of(self, motor_steps: int) -> int:
        """Return the angle of `motor_steps`, in counts; whole turns included."""
        return motor_steps * self._turns * _TURN // self._turns_steps

    def _sum(self, counts: int, off: int) -> None:
        at = counts // _BIN
        self.sums[at] += off
        self.sums[BINS + at] += 1

    def _judge(self, off: int, motor_steps: int) -> None:
        """Compare the rotor's way with the motor's since it last went on, and where it stands with the motor's position."""
        asked = self._angle_of(motor_steps - self._anchor_steps)
        moved = asked - self._lost + self._anchor_lost
        if moved >= _FOLLOWS:
            self._anchor_steps, self._anchor_lost = motor_steps, self._lost
        elif moved <= -(_SLIP if self.sensor.status & _WEAK else _NOTHING):
            self._tell(3 if -moved <= 2 * asked else 4, off, motor_steps)
            return
        elif asked >= _STALL:
            self._tell(2, off, motor_steps)
            return
        if off >= -_SLIP:
            self._slip_at = 0
        if off > _SLIP:
            self._tell(4, off, motor_steps)
        elif off < -_SLIP:
            went = self._angle_of(motor_steps) - self._lost
            self._slip_at = self._slip_at or went
            if went - self._slip_at >= _NOTHING:  # it follows again
                self._tell(1, off, motor_steps)
                self._slip_at, self._stale, self.slipped = 0, 0, True
                self._rest(self._offset + off, motor_steps)
                self._lose("phase_slip")
        elif abs(off) > _NOTHING and not self._stale:
            self._stale = 1
            self._tell(0, off, motor_steps)
            self._lose("phase_shift")

    def _tell(self, kind: int, off: int, motor_steps: int) -> None:
        """Journal what the rotor did not follow: it is not delivered, and never made up. A stall, a turn back or by hand stops first."""
        report = self.delivery.report
        if kind > 1:
            self.delivery.safe_state(_FAULTS[kind])
        else:
            report.fault(_FAULTS[kind])
        report.post("rotor_off", (kind, self._steps(-off), motor_steps))

    def _lose(self, cause: str) -> None:
        law = self.motion.law
        if law is not None and self.zero >= 0:
            law.no_phase = cause
