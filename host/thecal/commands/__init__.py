"""One file per verb. A verb reads its options, calls the library and prints; what is heavy is imported when it runs."""

from collections.abc import Callable

from thecal.commands.ack import ack
from thecal.commands.alarms import alarms
from thecal.commands.bolus import bolus
from thecal.commands.bridge import bridge
from thecal.commands.calibrate import calibrate
from thecal.commands.characterise import characterise
from thecal.commands.clock import clock
from thecal.commands.compare import compare
from thecal.commands.find import find
from thecal.commands.flash import flash
from thecal.commands.forecast import forecast
from thecal.commands.journal import journal
from thecal.commands.limits import limits
from thecal.commands.maintenance import maintenance
from thecal.commands.new import new
from thecal.commands.prime import prime
from thecal.commands.program import program
from thecal.commands.read import read
from thecal.commands.refill import refill
from thecal.commands.report import report
from thecal.commands.schema import schema
from thecal.commands.sim import sim
from thecal.commands.start import start
from thecal.commands.status import status
from thecal.commands.stop import stop
from thecal.commands.temporary import temporary
from thecal.commands.watch import watch

# in the order of `thecal --help`: a person's way through the tool
VERBS: dict[str, Callable[..., None]] = {
    "new": new,
    "find": find,
    "sim": sim,
    "flash": flash,
    "calibrate": calibrate,
    "characterise": characterise,
    "forecast": forecast,
    "limits": limits,
    "program": program,
    "start": start,
    "status": status,
    "watch": watch,
    "clock": clock,
    "bolus": bolus,
    "temporary": temporary,
    "prime": prime,
    "bridge": bridge,
    "refill": refill,
    "stop": stop,
    "read": read,
    "journal": journal,
    "report": report,
    "compare": compare,
    "alarms": alarms,
    "ack": ack,
    "maintenance": maintenance,
    "schema": schema,
}
