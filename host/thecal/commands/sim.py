"""`thecal sim`: run a simulated pump until Ctrl-C. Its flash lies in a file and is there again the next time."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from thecal.commands.options import AsJson
from thecal.console import data
from thecal.errors import BadInput, Failed


def sim(
    bench: Annotated[str, typer.Option(metavar="BENCH", help="sim-clock, sim-noclock, or a bench file.")] = "sim-clock",
    seed: Annotated[int, typer.Option(min=0, metavar="NUMBER", help="Which individual: id, crystal, boot time.")] = 1,
    speed: Annotated[float | None, typer.Option(metavar="FACTOR", help="Times real time, up to 100.")] = None,
    virtual: Annotated[bool, typer.Option("--virtual", help="Time moves only by the control port.")] = False,
    image: Annotated[Path | None, typer.Option(metavar="FILE", help="Where its flash is kept (default: one per bench and seed).")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin with a newly flashed pump.")] = False,
    as_json: AsJson = False,
) -> None:
    """Run a simulated pump: the unmodified firmware in a real MicroPython, behind a serial port."""
    from thecal.resources import firmware_folder
    from thecal.sim import serve
    from thecal.transport import registry

    bench_path = bench_file(bench)
    image_path = (image or default_image(bench_path, seed)).resolve()
    if any(entry.get("image") == str(image_path) for entry in registry.entries()):
        raise Failed(f"another simulated pump uses {image_path}", "end that one, choose another --seed, or name another --image")
    if fresh:
        image_path.unlink(missing_ok=True)
    registered: list[Path] = []

    def ready(facts: dict[str, Any]) -> None:
        registered.append(registry.add(facts))
        if as_json:
            data(json.dumps(facts))
        else:
            serve.announce(facts)

    options = {"speed": speed, "virtual": virtual, "firmware_folder": firmware_folder()}
    try:
        code = serve.run(bench_path, seed, image_path, on_ready=ready, **options)
    finally:
        for path in registered:
            path.unlink(missing_ok=True)
    raise typer.Exit(code)


def bench_file(bench: str, kind: str = "sim-*") -> Path:
    """A bench by its name in the hardware folder, or by its path; `kind` is the pattern of those that an error names."""
    from thecal.resources import hardware_folder

    named = hardware_folder() / f"{bench}.toml"
    path = named if named.is_file() else Path(bench)
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in hardware_folder().glob(f"{kind}.toml")))
        raise BadInput(f"{bench} is neither a known bench nor a file", f"known are {known}")
    return path


def default_image(bench_path: Path, seed: int) -> Path:
    import platformdirs

    return platformdirs.user_data_path("thecal") / f"{bench_path.stem}-{seed}.flash"
