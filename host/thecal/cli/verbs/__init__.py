"""One file per verb. A verb reads its options, calls the library and prints; it imports large modules only when it runs."""

from collections.abc import Callable

from thecal.cli.verbs.ack import ack
from thecal.cli.verbs.alarms import alarms
from thecal.cli.verbs.bench import bench
from thecal.cli.verbs.bolus import bolus
from thecal.cli.verbs.bridge import bridge
from thecal.cli.verbs.calibrate import calibrate
from thecal.cli.verbs.characterise import characterise
from thecal.cli.verbs.clock import clock
from thecal.cli.verbs.compare import compare
from thecal.cli.verbs.config import config
from thecal.cli.verbs.find import find
from thecal.cli.verbs.flash import flash
from thecal.cli.verbs.forecast import forecast
from thecal.cli.verbs.help import help_of
from thecal.cli.verbs.journal import journal
from thecal.cli.verbs.key import key
from thecal.cli.verbs.limits import limits
from thecal.cli.verbs.maintenance import maintenance
from thecal.cli.verbs.name import name
from thecal.cli.verbs.new import new
from thecal.cli.verbs.prime import prime
from thecal.cli.verbs.program import program
from thecal.cli.verbs.read import read
from thecal.cli.verbs.refill import refill
from thecal.cli.verbs.report import report
from thecal.cli.verbs.run import run
from thecal.cli.verbs.schema import schema
from thecal.cli.verbs.serve import serve
from thecal.cli.verbs.sim import sim
from thecal.cli.verbs.start import start
from thecal.cli.verbs.status import status
from thecal.cli.verbs.stop import stop
from thecal.cli.verbs.temporary import temporary
from thecal.cli.verbs.watch import watch

# in the order of `thecal --help`: a person's way through the tool
SET_UP: dict[str, Callable[..., None]] = {
    "find": find,
    "name": name,
    "sim": sim,
    "flash": flash,
    "calibrate": calibrate,
    "characterise": characterise,
}
PROGRAM: dict[str, Callable[..., None]] = {"new": new, "limits": limits, "bench": bench, "forecast": forecast, "program": program}
RUN: dict[str, Callable[..., None]] = {
    "run": run,
    "start": start,
    "bolus": bolus,
    "temporary": temporary,
    "prime": prime,
    "bridge": bridge,
    "refill": refill,
    "stop": stop,
}
LOOK: dict[str, Callable[..., None]] = {
    "status": status,
    "watch": watch,
    "serve": serve,
    "read": read,
    "alarms": alarms,
    "journal": journal,
    "report": report,
    "compare": compare,
}
MAINTAIN: dict[str, Callable[..., None]] = {
    "ack": ack,
    "clock": clock,
    "key": key,
    "maintenance": maintenance,
    "config": config,
    "schema": schema,
    "help": help_of,
}
GROUPS = {"Set up": SET_UP, "Program": PROGRAM, "Run": RUN, "Look": LOOK, "Maintain": MAINTAIN}
VERBS: dict[str, Callable[..., None]] = {name: verb for verbs in GROUPS.values() for name, verb in verbs.items()}
