"""Looks at the whole pump once per turn, before anything else: stop button, guard against generator, underruns, totals."""

if 0:  # for the type checker alone
    from app.types import Board, Book, Delivery, Journal, Stop, Watchdog

TOTAL_MS = 300_000
FEED_MS = 1_000
SUPERVISOR, DELIVERY, SESSION = 1, 2, 4  # the tasks that have to show that they are alive
_ALL = SUPERVISOR | DELIVERY | SESSION


class Heartbeat:
    """Feeds the watchdog, at most once a second, when every task has run since it was last fed: each adds itself to `alive`."""

    def __init__(self, watchdog: "Watchdog") -> None:
        self._watchdog = watchdog
        self.alive = 0
        self._fed_ms = 0

    def feed(self, now_ms: int) -> None:
        if self.alive == _ALL and now_ms - self._fed_ms >= FEED_MS:
            self._fed_ms = now_ms
            self.alive = 0
            self._watchdog.feed()


class Supervisor:
    """Raises alarms and brings the pump to its safe state. `stop` is Pump.stop: the button also ends what has not begun yet."""

    def __init__(self, board: "Board", delivery: "Delivery", journal: "Journal", book: "Book", stop: "Stop") -> None:
        self._board = board
        self._delivery = delivery
        self._journal = journal
        self._book = book
        self._stop = stop
        self.next_total_ms = TOTAL_MS
        self.vouch_wanted = False
        self._trusted = 0  # the guard's count when the motor's supply was last seen to be there

    def tick(self, now_ms: int) -> None:
        """One look; cheap, because it runs in every turn."""
        board, delivery = self._board, self._delivery
        state = board.look()
        runs = delivery.span is not None
        if state.stop_pressed:
            self._stop("button")
            delivery.report_fault("stop_button")
            board.buttons.clear_stop()
        elif runs and board.supply.low():
            self._supply_low()
        else:
            self._trusted = state.guard_count
            wrong = runs and delivery.motion.amiss(state)
            if wrong:
                delivery.safe_state(wrong)
        if now_ms >= self.next_total_ms:
            self._total(now_ms)

    def _supply_low(self) -> None:
        """Safe state. What the guard has counted since the supply was last seen may not have moved the pump: it is told as uncertain."""
        supply_mv = self._board.supply.mv()
        self._delivery.safe_state("motor_supply")
        motion = self._delivery.motion
        uncertain = motion.guard.count() - self._trusted
        self._book.uncertain_steps += uncertain
        self._journal.post("supply_low", (supply_mv, motion.delivered_steps(), uncertain))

    def _total(self, now_ms: int) -> None:
        """Every 5 minutes, running or not: the powered-on time and the windows are rebuilt from these (R5)."""
        self.next_total_ms = now_ms - now_ms % TOTAL_MS + TOTAL_MS
        delivery = self._delivery
        delivery.watch_calibration()
        delivered = delivery.motion.delivered_steps()
        span = delivery.span
        ordered = span.ordered_steps if span else delivered
        leased = span.leased_steps if span else delivered
        self.vouch_wanted = True
        self._journal.post("total", (ordered, delivered, leased, self._book.powered_on_s()))
