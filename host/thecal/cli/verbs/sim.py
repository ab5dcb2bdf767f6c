"""`thecal sim`: run simulated pumps until Ctrl-C. A file for each keeps its flash for the next run."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from thecal.cli import complete
from thecal.cli.options import AsJson, Port
from thecal.errors import BadInput, Failed
from thecal.terminal.console import data, headed, talk

if TYPE_CHECKING:
    from thecal.sim.fleet import Wanted

MOST_SPEED = 100
MOST_PUMPS = 100
THIS_COMPUTER = ("127.0.0.1", "::1", "localhost")
BALANCE = ("balance", "balance_socket")
BUTTONS = ("stop", "hold", "bolus")
Press = Annotated[
    str | None, typer.Option("--press", metavar="BUTTON", help="Press a button of the running one: stop, hold (stop, for 4 s), or bolus.")
]
MotorSupply = Annotated[
    float | None,
    typer.Option("--motor-supply", metavar="VOLTS", help="Set the motor's supply of the running one (it begins with 12 V)."),
]
HOLD_S = 4.0  # of this computer's time
MOST_VOLTS = 60


def sim(
    bench: Annotated[
        str,
        typer.Option(
            metavar="BENCH", help="Bench of the pump: sim-clock, sim-noclock, or a bench file.", autocompletion=complete.benches
        ),
    ] = "sim-clock",
    seed: Annotated[int, typer.Option(min=0, metavar="NUMBER", help="Seed of the pump's unique id, crystal and boot time.")] = 1,
    speed: Annotated[float | None, typer.Option(metavar="FACTOR", help="Factor of real time, at most 100.")] = None,
    virtual: Annotated[bool, typer.Option("--virtual", help="Advance time only by the control port.")] = False,
    image: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="File of the pump's flash; with --count, their folder (default: a file per bench and seed)."),
    ] = None,
    balance: Annotated[bool, typer.Option("--balance", help="Put a simulated balance under the outlet, on its own port.")] = False,
    balance_protocol: Annotated[
        str, typer.Option(metavar="NAME", help="Protocol of the balance: mt-sics, sbi, or plain (prints unasked).")
    ] = "mt-sics",
    evaporation: Annotated[str, typer.Option(metavar="RATE", help="Evaporation from the vessel on the balance.")] = "0 mg/h",
    pulsation: Annotated[
        float, typer.Option(min=0.0, max=200.0, metavar="PERCENT", help="Swing of the flow per roller, in percent.")
    ] = 0.0,
    count: Annotated[int, typer.Option(min=1, max=MOST_PUMPS, metavar="NUMBER", help="Run so many pumps, each with the next seed.")] = 1,
    name: Annotated[
        str | None, typer.Option(metavar="PREFIX", help="Name the pumps PREFIX-SEED (default: sim with --count, otherwise no change).")
    ] = None,
    host: Annotated[
        str, typer.Option(metavar="ADDR", help="Address of the pump's network port (default: this computer only).")
    ] = "127.0.0.1",
    press: Press = None,
    motor_supply: MotorSupply = None,
    port: Port = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start with a newly flashed pump.")] = False,
    as_json: AsJson = False,
) -> None:
    """Run simulated pumps on serial ports: the unmodified firmware in MicroPython."""
    from thecal.files.bench import bench_file
    from thecal.sim import serve

    if press is not None or motor_supply is not None or port is not None:
        handle(press, motor_supply, port, as_json)
        return
    check_speed(speed)
    bench_path = bench_file(bench)
    wanted = pumps(bench_path, range(seed, seed + count), image, name)
    options: dict[str, Any] = {"speed": speed, "virtual": virtual, "host": host}
    if balance:
        options["balance"] = balance_options(balance_protocol, evaporation, pulsation)
    if fresh:
        remove_flashes(wanted)

    def ready(pumps: list[dict[str, Any]]) -> None:
        if as_json:
            data("\n".join(json.dumps(facts) for facts in pumps))
        else:
            announce(pumps)
        if host not in THIS_COMPUTER:
            talk(f"the network port is open on {host}: whoever reaches it can command the pump")

    raise typer.Exit(serve.run(bench_path, wanted, ready, **options))


def pumps(bench_path: Path, seeds: range, image: Path | None, name: str | None) -> "list[Wanted]":
    """Return the pumps to start, one a seed; `name` is the front of their names. Raises BadInput or Failed if one can't have its flash
    there, or its name."""
    from thecal.pump.transport import names
    from thecal.sim.fleet import Wanted, refuse_double

    several = len(seeds) > 1
    if image is not None and several and image.exists() and not image.is_dir():
        raise BadInput(f"{image} is not a folder", "with --count, --image names the folder of the pumps' flashes")
    prefix = name if name is not None else "sim" if several else ""
    if prefix or name is not None:
        names.check(f"{prefix}-{seeds[-1]}")  # the longest
    wanted = []
    for seed in seeds:
        file = default_image(bench_path, seed) if image is None else image / f"{bench_path.stem}-{seed}.flash" if several else image
        check_image(file.resolve())
        refuse_double(file.resolve())
        wanted.append(Wanted(seed, file.resolve(), f"{prefix}-{seed}" if prefix else ""))
    return wanted


def remove_flashes(wanted: "list[Wanted]") -> None:
    """Remove the flashes and clock files of these pumps."""
    from thecal.sim import clock_file

    for one in wanted:
        if one.image is not None:
            one.image.unlink(missing_ok=True)
            clock_file.path_of(one.image).unlink(missing_ok=True)


def announce(pumps: list[dict[str, Any]]) -> None:
    """Print the addresses for a person: of one pump as lines, of several as a table without the control ports."""
    first, several = pumps[0], len(pumps) > 1
    pace = "virtual, by the control port" if first["virtual"] else f"speed {first['speed']:g}"
    who, end = (f"{len(pumps)} simulated pumps", "them") if several else (f"simulated pump {first['unique_id']}", "it")
    talk(f"{who} ({first['bench']}), time {pace}; Ctrl-C ends {end}")
    if several:
        shown = ["name", "port", "socket", *(key for key in BALANCE if first[key])]
        data(headed([[key.replace("_", " ") for key in shown], *([facts[key] or "-" for key in shown] for facts in pumps)]))
    else:
        shown = ["port", "socket", "control", "control_secret", *(key for key in ("name", *BALANCE) if first[key])]
        data("\n".join(f"{key.replace('_', ' '):15} {first[key] or '-'}" for key in shown))


def check_speed(speed: float | None) -> None:
    """Raise BadInput for a factor that the simulator can't keep."""
    if speed is not None and not 0 < speed <= MOST_SPEED:
        raise BadInput(f"--speed {speed} is not above 0 and at most {MOST_SPEED}", "write a factor like 60: an hour in a minute")


def check_image(path: Path) -> None:
    """Raise BadInput if this can't be the file of a flash."""
    if path.is_dir():
        raise BadInput(f"{path} is a folder", "name a file for the pump's flash, or leave --image out")
    if path.exists() and not path.is_file():
        raise BadInput(f"{path} is not a plain file", "name a file for the pump's flash, or leave --image out")


def handle(button: str | None, volts: float | None, port: str | None, as_json: bool) -> None:
    """Press a button of the running pump or set its motor's supply. Raises BadInput, Failed or NoPump."""
    from thecal.sim.control import Control
    from thecal.terminal.console import emit_json

    if button is None and volts is None:
        raise BadInput("--port names the pump for --press and --motor-supply", "leave it out: a simulated pump chooses its own port")
    if button is not None and volts is not None:
        raise BadInput("--press and --motor-supply are two commands", "give one of them")
    if button is not None and button not in BUTTONS:
        raise BadInput(f"--press {button!r} is not a button", f"write one of {', '.join(BUTTONS)}")
    if volts is not None and not 0 <= volts <= MOST_VOLTS:
        raise BadInput(f"--motor-supply {volts} is not from 0 to {MOST_VOLTS}", "write volts, such as 9.5")
    pump = running_pump(port, f"--press {button}" if button else f"--motor-supply {volts}")
    host, _, number = str(pump["control"]).rpartition(":")
    with Control(host, int(number), str(pump["control_secret"])) as control:
        if volts is not None:
            control.set_motor_supply(round(volts * 1000))
        elif button == "bolus":
            control.press_bolus()
        else:
            control.press_stop(HOLD_S * max(1.0, float(str(pump.get("speed") or 1))) if button == "hold" else 0)
    if as_json:
        emit_json({"pressed": button} if button else {"motor_supply_mv": round((volts or 0) * 1000)})
    else:
        data(f"pressed: {button}" if button else f"motor supply: {volts} V")


def running_pump(port: str | None, typed: str) -> dict[str, object]:
    """Return what is known of the named simulated pump, otherwise of the only one. `typed`: the option, for the remedy."""
    from thecal.pump.transport import ports, registry

    running = registry.entries()
    if not running:
        raise Failed("no simulated pump runs", "start one: thecal sim")
    how = f"name one: thecal sim {typed} --port PORT"
    named = ports.named(port)
    found = [one for one in running if named is None or named.port_url in (one.get("port"), one.get("socket"))]
    if not found:
        raise Failed(f"{named.port_url if named else ''} is not a simulated pump that runs", how)
    if len(found) != 1:
        raise Failed(f"{len(found)} simulated pumps run", how)
    return found[0]


def balance_options(protocol: str, evaporation: str, pulsation_percent: float) -> Any:
    from thecal.quantities.typed import parse
    from thecal.sim.world.balance import BalanceOptions
    from thecal.sim.world.balance_talk import PROTOCOLS

    if protocol not in PROTOCOLS:
        raise BadInput(f"--balance-protocol {protocol!r} is not known", f"write one of {', '.join(PROTOCOLS)}")
    lost = parse(evaporation)
    if lost.kind() != "mass/time":
        raise BadInput(f"--evaporation {evaporation!r} is a {lost.kind()}", 'write a mass per time, like "0.5 mg/h"')
    return BalanceOptions(protocol, evaporation_ug_per_h=float(lost.to("ug/h")), pulsation_percent=pulsation_percent)


def default_image(bench_path: Path, seed: int) -> Path:
    import platformdirs

    return platformdirs.user_data_path("thecal") / f"{bench_path.stem}-{seed}.flash"
