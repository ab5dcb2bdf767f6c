"""A whole pump at work: boot, memory, round trips, journal download, and `stop` in the middle of a write."""

from __future__ import annotations

import statistics
from collections.abc import Callable

from mpremote.transport_serial import SerialTransport

from bench import boards, journals, pumps
from bench.line import Line, clients_on
from bench.table import Peer, Row, at_least, at_most, exactly, times_better
from pumpcore.wire import messages
from pumpcore.wire import messages as frame
from support.emulator.board import EmulatedBoard
from support.emulator.image import compiled
from thecal.deploy import pack
from thecal.deploy.build import MAIN
from thecal.pump.client import Client
from thecal.pump.exchange import new_id

_SEGMENTS, _SPARE_BYTES = 5, 12_000  # 68 KiB; in a long segment an append erases a block, in a new one seldom
_ASKED = 41
_ROUNDS = 3
_LOOKS = 16
_JITTER_BYTES = 8_000  # the last collection may be an answer ago
_BOLUS_NL, _BOLUS_RATE_NL = 20_000, 3_600_000
_BOOTED_S = 1.5  # after the first answer: self test and first collection
_STOP_TRIES, _STOP_MS = 3, 450  # half an erase of 400 ms, the look after it, and the time to parse the line
# 90 kB without protocols and runs, which may take 10, and keys, which may take 5.
_BOOT_MS, _HEAP_KB = 1_500, 75
_EXPRESSION = "(1, 2)"
_HASHED_AND_LOADED = """
import hashlib, time
begun = time.ticks_us()
found, part = hashlib.sha256(), bytearray(4096)
with open({pack!r}, "rb") as file:
    length = file.readinto(part)
    while length:
        found.update(memoryview(part)[:length])
        length = file.readinto(part)
hashed = time.ticks_us()
import hal.rp2.imports
hal.rp2.imports.begin()
import hal.rp2.board, app.startup.boot
loaded = time.ticks_us()
print(time.ticks_diff(hashed, begun), time.ticks_diff(loaded, hashed))
"""


def rows() -> list[Row]:
    pump = pumps.Pump({**_journal(), **journals.beside(_journal())})
    try:
        found = _boot(pump)
        with clients_on(pump.line) as url:
            client = Client(url, pumps.REPLY_TIMEOUT_S, pumps.PATIENCE_S)
            pump.board.run_for(_BOOTED_S)
            found.append(_heap(pump, client))
            pumps.begin(pump, client, boards.RATE_HZ)
            found += [_round_trip(pump, client), _download(pump, client), _stop(pump, client), _growth(pump, client)]
    finally:
        pump.close()
    return found


def _journal() -> boards.Files:
    return journals.segments(_SEGMENTS, _SPARE_BYTES)


# --- boot and memory -----------------------------------------------------------------------------------------------------


def _boot(pump: pumps.Pump) -> list[Row]:
    ready_ms = pump.first_answer_ns(b"hello\n", b"\n") / 1e6
    stock_ms, (hashed_ms, loaded_ms) = _stock_prompt_ms(), _hashed_and_loaded_ms()
    on = sum(level == 0 for _, level in pump.board.pins.edges(pump.bench["pins"]["enable"]))
    return [
        Row(
            "boot: times the enable line was on before somebody ordered it, from power to the first answer",
            "",
            on,
            exactly(0),
            "0: a resistor holds the line from the first moment",
        ),
        Row(
            "boot: power to the first answer (`hello`)",
            "ms",
            ready_ms,
            at_most(_BOOT_MS),
            "100 ms: a host's attach debounce (USB 2.0, 7.1.7.3)",
            (
                Peer("stock MicroPython, power to prompt", stock_ms),
                Peer("SHA-256 of this firmware, alone", hashed_ms, remark="in MicroPython's C; the answer tells what really lies there"),
                Peer("loading its modules, alone", loaded_ms, remark="what is always in memory and what power-up needs"),
            ),
            remark="the emulated host enumerates in no time, a real one takes longer than stock's boot",
        ),
    ]


def _stock_prompt_ms() -> float:
    board = EmulatedBoard(files=boards.format_image({}), power=False)
    board.restore_power()
    at_ns = pumps.first_answer_ns(board, b"\r", b"\r\n>>> \r\n>>> ")
    board.close()
    return at_ns / 1e6


def _hashed_and_loaded_ms() -> list[float]:
    """Return the unavoidable part of the first answer, on a board that does nothing else."""
    with boards.board({path: data for path, data in compiled().files.items() if path != MAIN}) as board:
        return [int(word) / 1000 for word in board.exec(_HASHED_AND_LOADED.format(pack=pack.PATH)).split()]


def _free_bytes(pump: pumps.Pump, client: Client) -> int:
    """Return the highest figure of `status`: garbage counts as used, and some readings come just after a collection."""
    found = []
    for _ in range(_LOOKS):
        found.append(client.status()["free_memory_bytes"])
        pump.board.run_for(0.05)
    return max(found)


def _heap(pump: pumps.Pump, client: Client) -> Row:
    with boards.board({}) as board:
        stock = int(board.exec("import gc\ngc.collect()\nprint(gc.mem_free())"))
    return Row(
        "heap free after boot",
        "kB",
        _free_bytes(pump, client) / 1000,
        at_least(_HEAP_KB),
        "264 kB of SRAM in all",
        (Peer("stock REPL", stock / 1000, remark="no program"),),
        more_is_better=True,
        remark=f"highest of {_LOOKS} `status`",
    )


def _growth(pump: pumps.Pump, client: Client) -> Row:
    """Repeat a day's events: free memory must not shrink from one day to the next."""
    free = []
    for _ in range(_ROUNDS):
        pumps.begin(pump, client, boards.RATE_HZ)
        client.bolus_start(client.bolus_token(), _BOLUS_NL, _BOLUS_RATE_NL)
        pump.board.run_for(6.0)
        client.alarms()
        client.journal_read("events", 1)
        client.program_read()
        client.stop()
        pump.board.run_for(1.0)
        free.append(_free_bytes(pump, client))
    return Row(
        f"heap lost from the 1st to the {_ROUNDS}rd round of a day's events (upload, start, bolus, questions, journal, stop)",
        "bytes",
        max(0, free[0] - free[-1]),
        at_most(_JITTER_BYTES),
        "0",
        remark=f"free: {', '.join(str(one) for one in free)} bytes; limit: what one answer allocates",
    )


# --- questions -----------------------------------------------------------------------------------------------------------


def _median_ms(board: EmulatedBoard, ask: Callable[[], object]) -> float:
    times_ms = []
    for number in range(_ASKED):
        board.run_for(0.013 + 0.0071 * (number % 7))
        begun_ns = board.now_ns()
        ask()
        times_ms.append((board.now_ns() - begun_ns) / 1e6)
    return statistics.median(times_ms)


def _round_trip(pump: pumps.Pump, client: Client) -> Row:
    hello_ms = _median_ms(pump.board, client.hello)
    status_ms = _median_ms(pump.board, client.status)
    token_ms = _median_ms(pump.board, client.bolus_token)
    return Row(
        f"round trip at the client, p50 of {_ASKED}, pumping at {boards.RATE_HZ}/s and journaling: the smallest question",
        "ms",
        token_ms,
        times_better(5),
        "0.05 ms: a packet of 64 bytes at 12 Mbit/s",
        (_eval_peer(),),
        remark=f"bolus.token; the whole `status`: {status_ms:.1f} ms; `hello`: {hello_ms:.1f} ms",
    )


def _eval_peer() -> Peer:
    """Run mpremote's own code in one open connection, its sleeps on the board's clock."""
    files = {**boards.programs("chip/load", "peers/timer_hard", "peers/talking_repl")}
    with boards.board(files) as board:
        board.exec(f"import talking_repl\nkept = talking_repl.begin({boards.STEP}, {boards.RATE_HZ})")
        line = Line(board)
        with clients_on(line) as url:
            transport = SerialTransport(url)
            transport.enter_raw_repl(soft_reset=False)
            whole_ms = _median_ms(board, lambda: transport.eval(_EXPRESSION))
            wire_ms = _median_wire_ms(line, transport)
    remark = f"its polling sleeps 10 ms; last byte on the wire after {wire_ms:.2f} ms"
    return Peer("mpremote raw REPL eval, open connection, stepping by Timer(hard=True)", whole_ms, remark=remark)


def _median_wire_ms(line: Line, transport: SerialTransport) -> float:
    times_ms = []
    for _ in range(_ASKED):
        begun_ns = line.mark()
        transport.eval(_EXPRESSION)
        times_ms.append((line.last_ns - begun_ns) / 1e6)
    return statistics.median(times_ms)


def _download(pump: pumps.Pump, client: Client) -> Row:
    """Download the journal. The client checks every block's CRC; the bytes are compared with the original files."""
    wanted = b"".join(data for _, data in sorted(_journal().items()))
    begun_ns, raw, blocks = pump.board.now_ns(), bytearray(), 0
    for _, block in client.journal_blocks("events"):
        raw, blocks = raw + block, blocks + 1
    took_s = (pump.board.now_ns() - begun_ns) / 1e9
    if raw[: len(wanted)] != wanted:
        raise RuntimeError("the journal that came is not the one that was there")
    return Row(
        f"journal download while pumping, {len(raw) // 1024} KiB, CRC checked",
        "KiB/s",
        len(raw) / 1024 / took_s,
        times_better(12),
        "1 187: 19 packets of 64 bytes a millisecond",
        (_copy_peer(wanted),),
        more_is_better=True,
        remark=f"{blocks} blocks in {took_s:.2f} s",
    )


def _copy_peer(data: bytes) -> Peer:
    """Do what `mpremote fs cp` does with the file, in an open connection."""
    with boards.board({"/journal.bin": data}) as board, clients_on(Line(board)) as url:
        transport = SerialTransport(url)
        transport.enter_raw_repl(soft_reset=False)
        begun_ns = board.now_ns()
        came = bytes(transport.fs_readfile("/journal.bin"))
        took_s = (board.now_ns() - begun_ns) / 1e9
    if came != data:
        raise RuntimeError("mpremote brought other bytes")
    return Peer("mpremote fs cp, open connection, nothing else to do", len(data) / 1024 / took_s)


# --- stop ----------------------------------------------------------------------------------------------------------------


class FlashWatch:
    """Call `act` once in the middle of the next erase, and note when the flash was busy."""

    def __init__(self, board: EmulatedBoard) -> None:
        self.busy_ns: list[tuple[int, int]] = []
        self.act: Callable[[], None] | None = None
        self._flash, self._wait = board.flash, board.flash._wait
        self._board = board
        board.flash._wait = self._note

    def _note(self, mcu: object, opcode: int, region: slice) -> None:
        begun_ns, act = self._board.now_ns(), self.act
        if act is not None and opcode != 0x02:
            self.act = None
            self._board.at(self._flash.erase_ns // 2, act)
        self._wait(mcu, opcode, region)
        self.busy_ns.append((begun_ns, self._board.now_ns()))

    def operation_ms(self, at_ns: int, apart_ns: int = 50_000_000) -> float:
        """Return the time from the first erase or page to the last of the durable operation under way at `at_ns`."""
        first = last = next(number for number, (begin, end) in enumerate(self.busy_ns) if begin <= at_ns <= end)
        while first and self.busy_ns[first][0] - self.busy_ns[first - 1][1] < apart_ns:
            first -= 1
        while last + 1 < len(self.busy_ns) and self.busy_ns[last + 1][0] - self.busy_ns[last][1] < apart_ns:
            last += 1
        return (self.busy_ns[last][1] - self.busy_ns[first][0]) / 1e6

    def close(self) -> None:
        self._flash._wait = self._wait


def _stop(pump: pumps.Pump, client: Client) -> Row:
    """Send `stop` in the middle of an erase, the slowest operation, while the record of a bolus order is written."""
    board, token = pump.board, client.bolus_token()
    params = {"token": token, "volume_nl": _BOLUS_NL, "rate_nl": _BOLUS_RATE_NL}
    for _ in range(_STOP_TRIES):
        board.flash.erase_ns = boards.WORST
        order = frame.encode(messages.request(new_id(), "bolus.start", params))
        found = _stopped_in_an_erase(board, lambda order=order: (pump.line.write(order), board.run_for(5.0)))
        board.flash.erase_ns = boards.TYPICAL
        if found is not None:
            break
        client.stop()
        pumps.begin(pump, client, boards.RATE_HZ)
        params["token"] = client.bolus_token()
    if found is None:
        raise RuntimeError("ordering a bolus erased nothing")
    sent_ns, operation_ms = found
    if pump.motor.enabled() or client.status()["state"] != "stopped":
        raise RuntimeError("the pump did not stop")
    return Row(
        "`stop` by serial in the middle of an erase of 400 ms: last byte in to last edge",
        "ms",
        max(0.0, ((pump.motor.last_step_ns or 0) - sent_ns) / 1e6),
        at_most(_STOP_MS),
        "the rest of the erase: 200 ms",
        (_stop_peer(),),
        remark=f"the pump looks between two erases; the whole durable operation took {operation_ms:.0f} ms",
    )


def _stopped_in_an_erase(board: EmulatedBoard, let_run: Callable[[], object]) -> tuple[int, float] | None:
    """Return (when `stop` was sent, length of the operation in ms); None if nothing was erased."""
    watch, sent_ns = FlashWatch(board), []

    def send() -> None:
        sent_ns.append(board.now_ns())
        board.write(b"stop\n")

    watch.act = send
    let_run()
    watch.close()
    return (sent_ns[0], watch.operation_ms(sent_ns[0])) if sent_ns else None


def _stop_peer() -> Peer:
    with boards.board(boards.programs("chip/load", "peers/timer_hard", "peers/serial_stop"), boards.WORST) as board:
        board.write(f"import serial_stop; serial_stop.run({boards.STEP}, {boards.RATE_HZ})".encode() + b"\x04")
        board.run_for(0.2)
        found = _stopped_in_an_erase(board, lambda: board.run_for(4.0))
        if found is None:
            raise RuntimeError("the peer erased nothing")
        sent_ns, operation_ms = found
        last_ns = board.pins.rises(boards.STEP)[-1]
    return Peer("Timer(hard=True), main loop looks at stdin", (last_ns - sent_ns) / 1e6, remark=f"its operation took {operation_ms:.0f} ms")
