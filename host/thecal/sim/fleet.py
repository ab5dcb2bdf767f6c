"""Simulated pumps in this process: each has its own individual, flash, ports and control port; MicroPython is compiled once for all.

`Fleet` keeps them; `started` is for a library (`with started(...) as fleet: fleet.facts[0]["port"]`), `serve.run` for `thecal sim`.
"""

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from thecal.errors import Failed, ThecalError
from thecal.pump.transport import names, registry
from thecal.sim.errors import SimulatorError
from thecal.sim.runner import SimulatedPump
from thecal.sim.served import Facts, Served

LOOK_S = 1.0  # a wait without end can't be interrupted on Windows
KEEP_S = 10.0  # at most so much of the flash's news is lost with the process, and so seldom is the disk written


@dataclass(frozen=True)
class Wanted:
    """A pump to start. `image`: the file of its flash, None for a flash in memory only; `name`: "" leaves the name that it has."""

    seed: int = 1
    image: Path | None = None
    name: str = ""


class Running:
    """A pump of a fleet, and its entry in the registry once its ports are open."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self.facts: Facts = {}
        self._entry: Path | None = None

    def open(self, name: str) -> None:
        """Give the pump this name if it is not empty, and tell the registry its addresses."""
        self.facts = {"name": name_of(self.served, name), **self.served.describe()}
        self._entry = registry.add(self.facts, str(self.facts["seed"]))

    def close(self) -> None:
        if self._entry is not None:
            self._entry.unlink(missing_ok=True)
        self.served.close()


class Fleet:
    """Pumps that run side by side; a fault in one does not end the others. `tell` gets a sentence about each pump that died.

    `options`: those of `SimulatedPump` (`speed`, `virtual`, `firmware`, `flash_time`, `balance`, ...), the same for each.
    """

    def __init__(self, bench: Path, tell: Callable[[str], None] | None = None, **options: Any) -> None:
        self._bench, self._options = bench, options
        self._tell = tell or _print
        self._running: list[Running] = []
        self._lock = threading.Lock()
        self.deaths: list[SimulatorError] = []

    def begin(self, wanted: Sequence[Wanted], ended: threading.Event | None = None) -> list[Facts]:
        """Start pumps with open ports; return the facts of all. Starts no more of them after `ended`.

        Raises Failed if another simulated pump has a flash, SimulatorError or BadInput if one can't start; `close` then ends the others.
        """
        begun = []
        for one in wanted:
            if ended is not None and ended.is_set():
                return []
            begun.append((self._power_up(one), one.name))
        with ThreadPoolExecutor(os.cpu_count()) as pool:  # a name loads modules of the firmware, as long as a boot
            for _ in pool.map(lambda pair: pair[0].open(pair[1]), begun):
                pass
        return self.facts

    def _power_up(self, wanted: Wanted) -> Running:
        refuse_double(wanted.image)
        running = Running(Served(self._bench, wanted.seed, wanted.image, **self._options))
        with self._lock:
            self._running.append(running)
        running.served.save()
        return running

    @property
    def facts(self) -> list[Facts]:
        """Return the addresses of the pumps that run (`port`, `socket`, `control`, `name`, ...)."""
        return [one.facts for one in self._running]

    @property
    def pumps(self) -> list[SimulatedPump]:
        """Return the pumps that run, in the order of `facts`."""
        return [one.served.pump for one in self._running]

    def serve(self, ended: threading.Event) -> None:
        """Save what changed and look for dead pumps until `ended`. Raises SimulatorError when the last pump has died."""
        while not ended.wait(LOOK_S):
            self.look()
            if not self._running:
                raise self.deaths[-1]

    def look(self) -> None:
        """Save each flash that changed; close and report each pump that died."""
        for one in list(self._running):
            one.served.keep(KEEP_S)
            try:
                one.served.check()
            except SimulatorError as death:
                self._bury(one, death)

    def close(self) -> None:
        """Switch the pumps off, save their flashes, close their ports. May be called twice. Raises SimulatorError, after all are closed."""
        with self._lock:
            running, self._running = self._running, []
        with contextlib.ExitStack() as stack:
            for one in running:
                stack.callback(one.close)

    def _bury(self, one: Running, death: SimulatorError) -> None:
        with self._lock:
            if one not in self._running:  # closed meanwhile
                return
            self._running.remove(one)
        self.deaths.append(death)
        if self._running:
            who, seed = one.facts["name"] or one.facts["unique_id"], one.facts["seed"]
            self._tell(f"{who}: {death.cause}; the other {len(self._running)} run on. Start it again alone, with --seed {seed}")
        one.close()


@contextlib.contextmanager
def started(bench: Path, wanted: Sequence[Wanted] = (Wanted(),), **options: Any) -> Iterator[Fleet]:
    """Start pumps in this process, and end them with the `with`. `options` as for `Fleet`. May be called in any thread.

    fleet.facts[0]["port"] or ["socket"] is what a client opens, fleet.pumps[0] the bench around the pump.
    """
    fleet, ended = Fleet(bench, **options), threading.Event()
    keeper = threading.Thread(target=_keep, args=(fleet, ended), name="simulated pumps", daemon=True)
    try:
        fleet.begin(wanted)
        keeper.start()
        yield fleet
    finally:
        ended.set()
        if keeper.is_alive():
            keeper.join()
        fleet.close()


def _keep(fleet: Fleet, ended: threading.Event) -> None:
    with contextlib.suppress(SimulatorError):  # the last pump died: whoever talks to it sees that
        fleet.serve(ended)


def refuse_double(image: Path | None) -> None:
    """Raise Failed if another simulated pump of this computer uses this file."""
    if image is not None and any(entry.get("image") == str(image) for entry in registry.entries()):
        raise Failed(f"another simulated pump uses {image}", "end that one, choose another --seed, or name another --image")


def name_of(served: Served, wanted: str) -> str:
    """Give the pump the wanted name as `thecal name` does, "" leaves its own; return the name that it has."""
    name = served.name
    if wanted and wanted != name:
        from thecal.pump.client import Client  # 10 MB, which a pump that has its name saves

        try:
            with Client(served.pump.socket_url) as client:
                client.hello()
                name = str(client.name_set(wanted)["name"])
        except ThecalError as error:  # it delivers, or its firmware is none that can be named: it runs as it is
            _print(f"the simulated pump with seed {served.pump.individual.seed} is not called {wanted}: {error.cause}")
    if name:
        names.learn({"unique_id": served.pump.individual.unique_id, "name": name}, served.pump.port_url or served.pump.socket_url)
    return name


def _print(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
