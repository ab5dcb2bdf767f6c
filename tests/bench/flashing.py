"""The worst writes against the queue's low water, and how long the flash lasts."""

from __future__ import annotations

from app.delivery.delivery import LOW_WATER_MS
from app.delivery.span import SLICE_S
from bench import boards, journals
from bench.table import COMPUTED, Peer, Row, at_least, at_most
from support.emulator.flash import PAGE_NS
from support.programs import MONDAY_UTC_S, constant
from support.rig.device import MILLILITRE_PER_HOUR_NL, Device
from thecal.sim.guest.flash import BLOCKS

_RATES_HZ = (1, *(28,) * 8, 997, 10_000, 25_000)  # several times: most writes need fewer erases than the worst
_SEGMENTS = 32  # full, so that a new one removes the oldest
_QUEUE_US = LOW_WATER_MS * 1000
CYCLES, DAYS_A_YEAR, S_A_DAY = 100_000, 365.25, 86_400
_SIM_DAYS = 10
_PEER_TRIALS = 8
_PEER_RECORDS = 40


def rows() -> list[Row]:
    return [*_worst_writes(), *_wear()]


def _worst_writes() -> list[Row]:
    """Measure both writes in a row at each rate, with the queue at its low water and nothing added."""
    worst_us, took_us = 0.0, []
    files = {**boards.programs("chip/load", "chip/ours", "chip/writes"), **boards.firmware(), **journals.segments(_SEGMENTS)}
    ours = boards.Ours(files)
    ours.run("import writes\nwrites = writes.Writes()")
    ours.board.flash.erase_ns, ours.board.flash.page_ns = boards.WORST, boards.WORST_PAGE_NS
    for rate_hz in _RATES_HZ:
        steps = max(2, _QUEUE_US * rate_hz // 1_000_000)
        ours.run("ours.ready(board, ours.PLENTY_STEPS)\nbefore = stepper.steps_done(), stepper.underruns()")
        ours.board.pins.clear()
        ours.run(f"stepper.queue({steps}, {_QUEUE_US})\nstepper.queue(0, 100000)\nstepper.send()\ntook = writes.both_us()")
        took_us.append(sum(ours.ask("took")))
        ours.run("while stepper.busy(): time.sleep_ms(10)")
        steps_seen, underruns = ours.ask("(stepper.halt() - before[0], stepper.underruns() - before[1])")
        if underruns or steps_seen != len(ours.rises()):
            raise RuntimeError(f"{underruns} underruns, {steps_seen} steps reported, {len(ours.rises())} on the pin at {rate_hz}/s")
        worst_us = max(worst_us, _error_us(ours.rises(), steps))
    ours.board.close()
    when = "lease write, then journal record with a new segment; erase 400 ms, page 3 ms"
    peers = (_timer_peer(files),)
    return [
        Row(
            f"largest edge error at {len(set(_RATES_HZ))} rates, 1/s to 25 000/s: {when}",
            "us",
            worst_us,
            at_most(0.5),
            "8 ns, one cycle of the PIO",
            peers,
            remark="no underrun at any rate",
        ),
        Row(
            f"how long the two take back to back: {when}",
            "ms",
            max(took_us) / 1000,
            at_most(LOW_WATER_MS),
            "one erase and one page each: 806 ms",
            remark=f"limit: the queue's low water; slices of {SLICE_S} s",
        ),
    ]


def _error_us(edges_ns: list[int], steps: int) -> float:
    end_ns = edges_ns[-1]
    places_ns = [end_ns - (steps - number) * _QUEUE_US * 1000 / steps for number in range(1, steps + 1)]
    return max(abs(edge - place) for edge, place in zip(edges_ns, places_ns, strict=True)) / 1000


def _timer_peer(files: boards.Files) -> Peer:
    with boards.board({**files, **boards.programs("peers/timer_hard")}) as board:
        board.exec(f"import writes, timer_hard\nwrites = writes.Writes()\ns = timer_hard.Stepper({boards.STEP})")
        board.flash.erase_ns, board.flash.page_ns = boards.WORST, boards.WORST_PAGE_NS
        board.pins.clear()
        board.exec(f"s.start({boards.RATE_HZ})\nfor _ in range({_PEER_TRIALS}): writes.both_us()\ns.stop()")
        edges_ns = board.pins.rises(boards.STEP)
    late_us, gap_us = boards.largest_error_us(edges_ns, boards.RATE_HZ), boards.shortest_gap_us(edges_ns)
    return Peer("Timer(hard=True) at 997/s", late_us, remark=f"then a burst, {gap_us:.0f} us apart")


def _wear() -> list[Row]:
    """Run a constant program for some days on the simulator, whose littlefs is the board's; the peer on the emulated board."""
    with Device() as device:
        device.begin(constant(MILLILITRE_PER_HOUR_NL), MONDAY_UTC_S)
        begun = device.sim.flash_wear()
        device.run_for(_SIM_DAYS * S_A_DAY)
        ended = device.sim.flash_wear()
        assert device.state() == "running"
    per_block = [(after - before) / _SIM_DAYS for before, after in zip(begun["erases"], ended["erases"])]
    per_day = sum(per_block)
    peer_per_day = _peer_erases_per_record() * S_A_DAY
    hottest = max(per_block)
    return [
        Row(
            "wear at default rates (a lease a minute, totals, events): erases a day",
            "/day",
            per_day,
            at_most(_erases_per_day(20)),
            "1 440 leases in pages that are full: 90",
            (Peer("append and flush once a second", peer_per_day),),
            source="simulated littlefs",
        ),
        Row(
            f"years until {BLOCKS} blocks have seen {CYCLES:,} erases each".replace(",", " "),
            "years",
            BLOCKS * CYCLES / per_day / DAYS_A_YEAR,
            at_least(20),
            "20 years of retention (data sheet)",
            (Peer("append and flush once a second", BLOCKS * CYCLES / peer_per_day / DAYS_A_YEAR),),
            more_is_better=True,
            source=COMPUTED,
            remark=f"as if wear were spread over all; the block hit most in {_SIM_DAYS} days has {hottest:.1f} a day: "
            f"{CYCLES / hottest / DAYS_A_YEAR:.0f} years if it stayed where it is",
        ),
    ]


def _erases_per_day(years: float) -> float:
    return BLOCKS * CYCLES / DAYS_A_YEAR / years


def _peer_erases_per_record() -> float:
    with boards.board(boards.programs("chip/load")) as board:
        board.flash.page_ns = PAGE_NS
        board.exec("import load\nlog = load.Log()")
        erased = board.flash.erases
        board.exec(f"for _ in range({_PEER_RECORDS}): log.append()")
        return (board.flash.erases - erased) / _PEER_RECORDS
