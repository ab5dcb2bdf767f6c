"""Open a pump, or start a simulated one."""

from __future__ import annotations

import atexit
import secrets
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from thecal.api.pump import Pump
from thecal.errors import BadInput

MOST_SPEED = 100
SEED_BITS = 31


def open(port_or_name: str | None = None, *, hold: bool = True) -> Pump:
    """Open a pump and return it; use it in a `with`, which closes the port.

    `port_or_name` is a serial port ("/dev/ttyACM0", "COM3"), a "socket://HOST:PORT", or the name of a pump. Without it: THECAL_PORT, else
    the port of the config file, else the only pump of this computer. `hold`: keep the port open between two calls; with False each call
    opens and closes it, so that other programs can use the pump too. A pump that is closed goes on with what it does.

    Raises NoPump, WrongDevice, PortBusy, WrongProtocol, or BadInput if several pumps are there and none is named.
    """
    return Pump(port_or_name, hold=hold)


def simulated(
    bench: str = "sim-clock", *, speed: float = 1, seed: int | None = None, state: str | Path | None = None, hold: bool = True
) -> Pump:
    """Start a simulated pump in this process and return it open; the end of its `with` ends it too.

    It runs the unmodified firmware in MicroPython. `bench` is "sim-clock", "sim-noclock", or a bench file. `speed` is the factor of real
    time, above 0 and at most 100. `seed` chooses the individual (unique id, crystal, start time); without it each pump is another one.
    `state` is a file that keeps the pump's flash for the next time; without it everything is forgotten at the end. `hold` as for `open`.

    Raises BadInput for a bench or speed that can't be used, Failed if another simulated pump uses the file.
    """
    from thecal.files.bench import bench_file
    from thecal.sim.fleet import Wanted, started

    if not 0 < speed <= MOST_SPEED:
        raise BadInput(f"speed {speed} is not above 0 and at most {MOST_SPEED}", "write a factor like 60: an hour in a minute")
    chosen = secrets.randbits(SEED_BITS) if seed is None else seed
    wanted = Wanted(chosen, Path(state).resolve() if state is not None else None)
    with ExitStack() as ends:
        fleet = ends.enter_context(started(bench_file(bench), [wanted], speed=speed))
        facts = fleet.facts[0]
        pump = Pump(str(facts["port"] or facts["socket"]), hold=hold)
        end = ends.pop_all().close
        atexit.register(end)  # a script without a `with`: later its threads are gone, and the end would wait for them for ever
        pump.at_end(end)
        pump.at_end(partial(atexit.unregister, end))
        return pump
