"""The supervisor, which looks at the whole pump once per turn, before anything else, and the watchdog's heartbeat."""

from pumpcore.units import MS_PER_S, const

if 0:  # for the type checker alone
    from app.types import Board, Book, Delivery, Journal, Stop, Watchdog

TOTAL_MS = const(300_000)
FEED_MS = const(1_000)
SUPERVISOR = const(1)
DELIVERY = const(2)
SESSION = const(4)  # the tasks that must show that they are alive
_ALL = const(SUPERVISOR | DELIVERY | SESSION)


class Heartbeat:
    """Feed the watchdog, at most once a second, if every task has run since the last time: each adds itself to `alive`."""

    def __init__(self, watchdog: "Watchdog") -> None:
        self.watchdog = watchdog
        self.alive = 0
        self.at_ms = 0

    def feed(self, uptime_ms: int) -> None:
        """Feed the watchdog if it is time and every task is alive."""
        if self.alive == _ALL and uptime_ms - self.at_ms >= FEED_MS:
            self.at_ms = uptime_ms
            self.alive = 0
            self.watchdog.feed()


class Supervisor:
    """Check stop button, motor supply, guard and generator; write totals. `stop` is Pump.stop: it also ends pending orders."""

    def __init__(self, board: "Board", delivery: "Delivery", journal: "Journal", book: "Book", stop: "Stop") -> None:
        self.board = board
        self.delivery = delivery
        self.journal = journal
        self.book = book
        self._stop = stop
        self.next_total_ms = TOTAL_MS
        self.vouch_wanted = False
        self.pressed_ms = 0  # when the stop button was last pressed
        self.known = 0  # the guard's count when the motor's supply was last good

    def tick(self, uptime_ms: int) -> None:
        """Look once. Must be cheap, because it runs in every turn."""
        board, delivery = self.board, self.delivery
        state = board.look()
        law = delivery.motion.law
        runs = delivery.motion.enabled  # also while it is held after a run
        unfit = (runs or law is not None) and board.supply.amiss()
        if state.stop_pressed:
            self.pressed_ms = uptime_ms
            self._stop("button")
            delivery.report_fault("stop_button")
            board.buttons.clear_stop()
        elif unfit and runs:
            self.supply_fails(unfit)
        elif unfit:
            law.fail(unfit)  # a motor without supply may be turned by hand
        else:
            self.known = state.guard_count
            wrong = runs and delivery.motion.amiss(state)
            if wrong:
                delivery.safe_state(wrong)
            elif runs and uptime_ms >= delivery.motion.due_ms():
                delivery.motion.watch.check(uptime_ms)
        if uptime_ms >= self.next_total_ms:
            self.total(uptime_ms)

    def supply_fails(self, name: str) -> None:
        """Go to the safe state with the alarm `name`. Steps since the supply was last good are uncertain: they may have moved nothing."""
        supply_mv = self.board.supply.mv()
        motion = self.delivery.motion
        known = motion.delivered_at(self.known)
        self.delivery.safe_state(name)
        uncertain = motion.delivered_steps() - known
        self.book.uncertain_steps += uncertain
        self.journal.post("supply_low" if name == "motor_supply" else "supply_high", (supply_mv, motion.delivered_steps(), uncertain))

    def total(self, uptime_ms: int) -> None:
        """Every 5 minutes, running or not: powered-on time and windows are rebuilt from these records (R5)."""
        self.next_total_ms = uptime_ms - uptime_ms % TOTAL_MS + TOTAL_MS
        delivery = self.delivery
        delivery.watch_calibration()
        delivered = delivery.motion.delivered_steps()
        span = delivery.span
        ordered = span.ordered_steps if span else delivered
        leased = span.leased_steps if span else delivered
        self.vouch_wanted = True
        values = ordered, delivered, leased, self.book.powered_on_s()
        if span is None or span.basal.course is None:
            self.journal.post("total", values)
        else:
            self.journal.post("protocol_total", values + span.basal.course.total((uptime_ms - span.origin_ms) // MS_PER_S))
