"""A board for `thecal flash` without a chip: its flash is a folder, its pump a `FakePump`, and `mpremote` a function.

CPython runs the texts that `thecal` sends to the board's prompt, with the board's `os`, `open` and `machine`. mpremote's output is that of
version 1.29.
"""

import builtins
import errno
import json
import os
import types
from pathlib import Path

from pumpcore.faults import fault_texts, faults
from pumpcore.wire import messages
from pumpcore.wire import messages as frame
from support.host.fake_pump import FakePump
from support.pump.main_file import checked
from thecal.deploy import bench_slot
from thecal.deploy.runner import SILENT

UNIQUE_ID = "e661a4d1c3257b2f"
MACHINE = "Raspberry Pi Pico with RP2040"
PROMPT = b">>> "
FREE_BYTES = 900_000


class Pulled(Exception):
    """The cable is out."""


class Files:
    """The folder that stands for the flash, as the board's `os` sees it. It reports every change to `step`."""

    def __init__(self, root: Path, step) -> None:
        self.root, self.step = root, step
        self.free_bytes = FREE_BYTES

    def place(self, path: str) -> Path:
        return self.root / path.strip("/")

    def all(self) -> dict[str, bytes]:
        return {"/" + file.relative_to(self.root).as_posix(): file.read_bytes() for file in sorted(self.root.rglob("*")) if file.is_file()}

    def exists(self, path):
        return self.place(path).exists()

    def read(self, path):
        return self.place(path).read_bytes()

    # -- as MicroPython's os has it

    def ilistdir(self, path):
        return [
            (each.name, 0x4000 if each.is_dir() else 0x8000, 0, 0 if each.is_dir() else each.stat().st_size)
            for each in sorted(self.place(path).iterdir())
        ]

    def stat(self, path):
        return tuple(os.stat(self.place(path)))

    def statvfs(self, path):
        return (4096, 4096, 352, self.free_bytes // 4096, 0, 0, 0, 0, 0, 255)

    def remove(self, path):
        if not self.place(path).is_file():
            raise OSError(errno.ENOENT, "")
        self.place(path).unlink()
        self.step(f"remove {path}")

    def rmdir(self, path):
        self.place(path).rmdir()
        self.step(f"rmdir {path}")

    def mkdir(self, path):
        if self.place(path).exists():
            raise OSError(errno.EEXIST, "")
        self.place(path).mkdir()
        self.step(f"mkdir {path}")

    def rename(self, old, new):
        os.replace(self.place(old), self.place(new))
        self.step(f"rename {old} {new}")


class FakeBoard(FakePump):
    """`log`: every change of the flash and every other action, in order. `pull_after`: the cable goes at that entry."""

    def __init__(self, folder: Path, **facts) -> None:
        self.log = []
        self.files = Files(folder, self._step)
        folder.mkdir(exist_ok=True)
        self.facts = {"machine": MACHINE, "mpy": 0x1306, "version": (1, 28, 0), **facts}
        self.pull_after = None
        self.registers = {}
        super().__init__()
        self.boot_up()

    # -- the pump

    def boot_up(self):
        """Power up: a prompt without main.py, otherwise a pump that has hashed its firmware."""
        self.state, self.memory = "stopped", {}
        self.foreign = None if self.files.exists("/main.py") else PROMPT
        self.release = checked(self.files.all())
        self.unfit = self.foreign is None and not self.release
        self.alarms = [] if self.release else [faults.by_name("firmware_incomplete").number]
        held = bench_slot.newest({path: data for path, data in self.files.all().items() if path in bench_slot.PATHS})
        self.bench = json.loads(held[1])["name"] if held else ""

    def _reply(self, message):
        """Answer like main.py if the firmware is unfit."""
        if self.unfit and message["method"] != "maintenance":
            refusal = faults.Refusal("firmware_incomplete")
            return frame.encode(messages.refusal(message["id"], refusal, fault_texts.told(refusal.fault.name))), None
        return super()._reply(message)

    def do_hello(self):
        about = {"release": self.release, "unique_id": UNIQUE_ID, "bench": self.bench, "implementation": {"machine": self.facts["machine"]}}
        return {**super().do_hello(), **about}

    def do_alarms(self):
        return {"alarms": [{"fault": number, "name": faults.by_number(number).name} for number in self.alarms]}

    def do_stop(self):
        self.log.append("stop")
        return super().do_stop()

    def do_journal_read(self, ring, from_sequence, blocks=None):
        self.log.append(f"read {ring}")
        return super().do_journal_read(ring, from_sequence, blocks)

    def do_maintenance(self):
        self.log.append("maintenance")
        self.foreign = PROMPT
        return super().do_maintenance()

    # -- mpremote

    def mpremote(self, words, heard, folder=None):
        """The replacement for `run_mpremote`."""
        assert list(words[:2]) == ["connect", self.port_url]
        command = []
        try:
            for word in [*words[2:], "+"]:
                if word != "+":
                    command.append(word)
                else:
                    self._run(command, heard, Path(folder or "."))
                    command = []
        except Pulled:
            return SILENT
        except Exception as error:
            heard(f"OSError: {error}")
            return 1
        return 0

    def _run(self, command, heard, folder):
        if command[0] == "exec":
            self._exec(command[1], heard)
        elif command == ["reset"]:
            self.log.append("reset")
            self.boot_up()
        else:
            assert command[:2] == ["fs", "cp"]
            for source in [word for word in command[2:-1] if word != "-f"]:
                heard(f"cp {source} {command[-1]}")
                self._copy(source, command[-1], heard, folder)

    def _copy(self, source, target, heard, folder):
        if source.startswith(":"):
            (folder / target / Path(source).name).write_bytes(self.files.read(source[1:]))
            self.log.append(f"fetch {source[1:]}")
            return
        data, place = (folder / source).read_bytes(), target[1:]
        if self.files.place(place).is_dir():
            place = f"{place.rstrip('/')}/{Path(source).name}"
        for part in (data[: len(data) // 2], data):  # in place and in pieces, as mpremote writes
            self.files.place(place).write_bytes(part)
            self._step(f"cp {place}")

    def _step(self, entry):
        """Count one change of the flash."""
        self.log.append(entry)
        if self.pull_after is not None and len(self.log) >= self.pull_after:
            raise Pulled

    def _exec(self, text, heard):
        before = len(self.log)
        printed = []
        space = {"__builtins__": {**vars(builtins), **self._builtins(printed)}}
        exec(text, space)
        for line in printed:
            heard(line)
        if len(self.log) == before:
            self.log.append("survey")

    def _builtins(self, printed):
        implementation = types.SimpleNamespace(_machine=self.facts["machine"], _mpy=self.facts["mpy"], version=self.facts["version"])
        modules = {
            "os": self.files,
            "sys": types.SimpleNamespace(implementation=implementation),
            "machine": types.SimpleNamespace(mem32=self.registers, unique_id=lambda: bytes.fromhex(UNIQUE_ID)),
        }
        return {
            "__import__": lambda name, *rest: modules.get(name) or __import__(name, *rest),
            "open": lambda path, mode: open(self.files.place(path), mode),
            "print": lambda *words: printed.append(" ".join(map(str, words))),
        }
