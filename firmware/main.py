"""Power-up: Ctrl-C off, every file checked, every object built, then the loop.

No exception ends at MicroPython's prompt; only maintenance opens it. If no firmware is fit to run, this file alone answers the line, and
the motor is never touched.
"""

import sys

import micropython

if 0:  # for the type checker alone
    from app.types import Pump, Steps
    from hal.ports import BinaryIO, MainBoard

micropython.kbd_intr(-1)  # before anything can fail: a 0x03 on the line must not open a prompt

HALS = {"rp2": "hal.rp2", "linux": "hal.sim", "wasi": "hal.sim", "webassembly": "hal.sim"}

MANIFEST = "/manifest"
PART_BYTES = 2048
ROOM_WORDS = 2500  # of 4 bytes
MOST_FAILURES = 3  # failed starts in a row
# fault: (number, text, what to do), as in pumpcore.faults.fault_texts
UNFIT = {
    "firmware_incomplete": (608, "the firmware is not the one of its manifest", "flash it again: thecal flash"),
    "internal": (617, "the firmware met an error of its own", "report this with the journal"),
}
MOST_LINE_BYTES = 200
WAIT_US = 3_600_000_000  # simulator only: `read` does not wait there, and input ends a wait
CTRL_C = 3


def main() -> None:
    """Run until the link is closed. Whatever happens, the motor ends disabled and no prompt opens."""
    board, fault, failed = None, "firmware_incomplete", None
    try:
        found = check()
        fault = "internal"
        board = begin()
        if board.system.failures < MOST_FAILURES:
            turn(board, found)
            board.make_safe()
            fault = ""
    except BaseException as error:
        failed = error
    if not fault:
        board.hand_over()
        return
    if failed and board:
        try:
            board.make_safe()
        finally:
            board.system.fail(failed)
    stay(fault, told(failed) if failed else "it failed %d times in a row" % MOST_FAILURES)
    if board:
        board.hand_over()
    micropython.kbd_intr(CTRL_C)


def check() -> "tuple[str, bytes]":
    """Return the release of the files, and the manifest's rows for `hashes`. Raises ValueError if a file does not match the manifest.

    No module may be loaded then: MicroPython hangs in a module that is cut short. A CRC-32 takes a fraction of the time of a SHA-256.
    """
    import binascii
    import hashlib

    with lies(MANIFEST) as file:
        sources, _, rows = file.read().partition(b"\n\n")
    if not rows.endswith(b"\n\n"):
        raise ValueError("the manifest is not whole")
    part, rows = memoryview(bytearray(4096)), rows[:-2]
    for row in rows.split(b"\n"):
        path, _, wanted = row.decode().split(" ")
        crc = 0
        with lies(path) as file:
            size = file.readinto(part)
            while size:
                crc = binascii.crc32(part[:size], crc)
                size = file.readinto(part)
        if "%08x" % crc != wanted:
            raise ValueError(path + " is another one")
    return binascii.hexlify(hashlib.sha256(sources + b"\n").digest()).decode(), rows


def hashes(rows: bytes) -> "Steps":
    """Hashes every file, a part of it at each step. ValueError when one is not that of the manifest."""
    import binascii
    import hashlib

    part = memoryview(bytearray(PART_BYTES))
    for row in rows.split(b"\n"):
        path, wanted, _ = row.decode().split(" ")
        found = hashlib.sha256()
        with lies(path) as file:
            size = file.readinto(part)
            while size:
                found.update(part[:size])
                yield
                size = file.readinto(part)
        if binascii.hexlify(found.digest()).decode() != wanted:
            raise ValueError(path + " is another one")


def lies(path: str) -> "BinaryIO":
    """Return the open file that an import of this path loads. Raises ValueError if there is none."""
    try:
        return open(path, "rb")
    except OSError:
        try:
            return open(path[:-3] + ".mpy", "rb")
        except OSError:
            raise ValueError(path + " is missing")


def begin() -> "MainBoard":
    """Return the board, in a state in which nothing moves."""
    hal = HALS[sys.platform]
    __import__(hal + ".imports", None, None, ("begin",)).begin()
    return __import__(hal + ".board", None, None, ("Board",)).Board()


def turn(board: "MainBoard", found: "tuple[str, bytes]") -> None:
    """Build the pump and run its loop."""
    pump = build(board, *found)
    pump.session.loader.give_back()  # what only power-up and some commands need
    sys.modules[HALS[sys.platform] + ".imports"].built()
    board.system.built()
    from app.pump import run

    run(pump)


def build(board: "MainBoard", release: str, rows: bytes) -> "Pump":
    """Return the pump. A function of its own, because a name in `turn` would keep app.startup.boot in memory."""
    __import__("app.pump")  # first what stays: after the modules that are given back it would leave holes
    board.system.make_room()  # the code that defined all that was used once
    setup = __import__("app.startup.loading", None, None, ("load",)).load(board)
    board.system.make_room(True)
    names, room = [0] * ROOM_WORDS, [0] * ROOM_WORDS  # what stays goes there, in front of power-up's modules: their names at this import,
    names.clear()  # and then what `boot.build` makes. A list that is cleared gives its memory back at once, without a collection
    from app.startup import boot

    return boot.build(board, setup, release, hashes(rows), room)


def told(error: BaseException) -> str:
    """Return the error as text, at most 80 characters."""
    return ("%s: %s" % (type(error).__name__, error))[:80]


def stay(fault: str, cause: str) -> None:
    """Call `answer_only` until it returns; an error in it becomes the fault `internal`."""
    while True:
        try:
            answer_only(fault, cause)
            return
        except BaseException as error:
            fault, cause = "internal", told(error)


def answer_only(fault: str, cause: str) -> None:
    """Answer every line with this fault, until a whole frame asks for maintenance: then the prompt opens."""
    line, read, waits = bytearray(), sys.stdin.buffer.read, None
    while True:
        byte = read(1)
        if byte == b"":  # simulator: no input will ever come
            return
        if byte is None:
            waits = waits or open("/dev/wait", "r+b")
            waits.write(WAIT_US.to_bytes(8, "little"))
        elif byte != b"\n":
            line += byte if len(line) < MOST_LINE_BYTES else b""
        elif line.strip():
            identity, method = asked(bytes(line))
            line = bytearray()
            given = method == "maintenance" and sys.platform == "rp2"
            reply(identity, "result", {"state": "maintenance"}) if given else refuse(identity, fault, cause)
            if given:
                return


def asked(line: bytes) -> "tuple[str | None, str]":
    """Return (id, method) of a whole frame; (None, "") of anything else."""
    import binascii
    import json

    body = line.strip()[:-9]
    if line.strip()[-9:] != b"*%08x" % binascii.crc32(body):
        return None, ""
    try:
        message = json.loads(body)
        return message["id"], message["method"]
    except (ValueError, KeyError, TypeError, RuntimeError, MemoryError):
        return None, ""


def refuse(identity: "str | None", fault: str, cause: str) -> None:
    """Send the refusal of `fault`."""
    number, text, remedy = UNFIT[fault]
    reply(identity, "error", {"code": number, "message": text, "data": {"fault": fault, "do": remedy, "cause": cause}})


def reply(identity: "str | None", kind: str, value: dict) -> None:
    """Send a reply of this kind, "result" or "error"."""
    import binascii
    import json

    body = json.dumps({"jsonrpc": "2.0", "id": identity, kind: value}).encode()
    sys.stdout.buffer.write(body + b"*%08x\n" % binascii.crc32(body))


if __name__ == "__main__":
    main()
