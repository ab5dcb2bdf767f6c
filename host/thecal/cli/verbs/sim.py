"""`thecal sim`: run simulated pumps until Ctrl-C. A file for each keeps its flash for the next run."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from thecal.cli import complete, running_sim
from thecal.cli.options import AsJson, Port
from thecal.cli.sim_options import (
    Alter,
    BalanceProtocol,
    Digit,
    Evaporation,
    Head,
    Host,
    MotorSupply,
    Noise,
    Prefix,
    Press,
    Pulsation,
    Slip,
    Turn,
)
from thecal.errors import BadInput
from thecal.terminal.console import data, headed, talk

if TYPE_CHECKING:
    from thecal.sim.fleet import Wanted

MOST_SPEED = 100
MOST_PUMPS = 100
THIS_COMPUTER = ("127.0.0.1", "::1", "localhost")
DIGITS_UG = {"0.01 mg": 10, "0.1 mg": 100, "1 mg": 1_000, "10 mg": 10_000}
BALANCE = ("balance", "balance_socket")


def sim(
    bench: Annotated[
        str,
        typer.Option(metavar="BENCH", help="Bench of the pump: sim-clock, sim-noclock, or a bench file.", autocompletion=complete.benches),
    ] = "sim-clock",
    seed: Annotated[int, typer.Option(min=0, metavar="NUMBER", help="Seed of the pump's unique id, crystal and boot time.")] = 1,
    speed: Annotated[float | None, typer.Option(metavar="FACTOR", help="Factor of real time, at most 100.")] = None,
    virtual: Annotated[bool, typer.Option("--virtual", help="Advance time only by the control port.")] = False,
    image: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="File of the pump's flash; with --count, their folder (default: a file per bench and seed)."),
    ] = None,
    balance: Annotated[bool, typer.Option("--balance", help="Put a simulated balance under the outlet, on its own port.")] = False,
    balance_protocol: BalanceProtocol = "mt-sics",
    balance_digit: Digit = "0.1 mg",
    balance_noise: Noise = None,
    evaporation: Evaporation = None,
    head: Head = None,
    pulsation: Pulsation = 0.0,
    count: Annotated[int, typer.Option(min=1, max=MOST_PUMPS, metavar="NUMBER", help="Run so many pumps, each with the next seed.")] = 1,
    name: Prefix = None,
    host: Host = "127.0.0.1",
    press: Press = None,
    slip: Slip = None,
    turn: Turn = None,
    alter: Alter = None,
    motor_supply: MotorSupply = None,
    port: Port = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start with a newly flashed pump.")] = False,
    as_json: AsJson = False,
) -> None:
    """Run simulated pumps on serial ports: the unmodified firmware in MicroPython."""
    from thecal.files.bench import bench_file
    from thecal.sim import serve

    order = running_sim.order_of({"press": press, "slip": slip, "turn": turn, "alter": alter, "motor-supply": motor_supply})
    if order is not None or port is not None:
        running_sim.carry_out(order, port, as_json)
        return
    check_speed(speed)
    bench_path = bench_file(bench)
    wanted = pumps(bench_path, range(seed, seed + count), image, name)
    options: dict[str, Any] = {"speed": speed, "virtual": virtual, "host": host}
    if head is not None:
        options["head"] = checked_head(head, pulsation)
    if balance:
        facts = balance_facts(balance_protocol, balance_digit, balance_noise, evaporation)
        options["balance"] = balance_options(facts, pulsation, drafty=head is not None)
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


def checked_head(text: str, pulsation_percent: float) -> str:
    """Return the text of a head that the simulator understands. Raises BadInput."""
    from thecal.sim.errors import SimulatorError
    from thecal.sim.world.head_text import head_of

    if pulsation_percent:
        raise BadInput("--head and --pulsation both say how the flow swings", f"write --head sinus,swing={pulsation_percent:g}%")
    try:
        head_of(text)
    except SimulatorError as error:
        raise BadInput(f"--head {text}: {error.cause}", error.do) from None
    return text


def balance_options(facts: dict[str, Any], pulsation_percent: float, drafty: bool) -> Any:
    """Return a calm balance, or one with lag, correlated noise and drifting evaporation."""
    from thecal.sim.world.balance import BalanceOptions

    return BalanceOptions.drafty(**facts) if drafty else BalanceOptions(**facts, pulsation_percent=pulsation_percent)


def balance_facts(protocol: str, digit: str, noise: str | None, evaporation: str | None) -> dict[str, Any]:
    """Return what the options say of the balance. Raises BadInput."""
    from thecal.sim.world.balance_talk import PROTOCOLS

    if protocol not in PROTOCOLS:
        raise BadInput(f"--balance-protocol {protocol!r} is not known", f"write one of {', '.join(PROTOCOLS)}")
    if digit not in DIGITS_UG:
        raise BadInput(f"--balance-digit {digit!r} is not known", f"write one of {', '.join(DIGITS_UG)}")
    facts: dict[str, Any] = {"protocol": protocol, "resolution_ug": DIGITS_UG[digit]}
    if noise is not None:
        facts["noise_ug"] = measured("--balance-noise", noise, "mass", "ug", 'write a mass, like "0.15 mg"')
    if evaporation is not None:
        facts["evaporation_ug_per_h"] = measured(
            "--evaporation", evaporation, "mass/time", "ug/h", 'write a mass per time, like "0.5 mg/h"'
        )
    return facts


def measured(option: str, text: str, kind: str, unit: str, do: str) -> float:
    """Return the quantity of an option in `unit`. Raises BadInput if it is of another kind."""
    from thecal.quantities.typed import parse

    found = parse(text)
    if found.kind() != kind:
        raise BadInput(f"{option} {text!r} is a {found.kind()}", do)
    return float(found.to(unit))


def default_image(bench_path: Path, seed: int) -> Path:
    import platformdirs

    return platformdirs.user_data_path("thecal") / f"{bench_path.stem}-{seed}.flash"
