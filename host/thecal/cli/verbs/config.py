"""`thecal config`: show and set the user's defaults."""

from typing import Annotated

import typer

from thecal.cli.complete import config_keys
from thecal.cli.options import AsJson, DryRun
from thecal.errors import BadInput
from thecal.terminal.console import columns, data, emit_json, talk


def config(
    key: Annotated[
        str | None, typer.Argument(metavar="KEY", help="port, bench, library, units, zone or keys.", autocompletion=config_keys)
    ] = None,
    value: Annotated[str | None, typer.Argument(metavar="VALUE", help="New default (without: show it).")] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Remove the default of KEY.")] = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Show or set your defaults: port, bench, library, units, zone, keys."""
    from thecal.files import config as settings

    if (remove and key is None) or (remove and value is not None):
        raise BadInput("--remove needs a key and no value", "write it like: thecal config port --remove")
    if key is not None:
        settings.check(key, value or settings.EXAMPLE.get(key))
        check_known(key, value)
    if key is not None and (remove or value is not None):
        if dry_run:
            talk(f"would {'remove' if remove else 'write'} {key} in {settings.path()}")
        else:
            settings.save(key, value)
            talk(f"{'removed' if remove else 'wrote'} {key} in {settings.path()}")
    keys = [key] if key is not None else list(settings.KEYS)
    found = {one: settings.default(one) for one in keys}
    if as_json:
        emit_json({"file": str(settings.path()), "values": found, "origins": {one: settings.origin(one) for one in keys}})
    else:
        shown = [(one, found[one] or "-", settings.origin(one) or settings.KEYS[one]) for one in keys]
        data(columns([("file", str(settings.path())), *[(one, f"{text}  ({why})") for one, text, why in shown]]))


def check_known(key: str, value: str | None) -> None:
    """Raise BadInput for a zone or a bench that there is not: later each verb would refuse it."""
    if value and key == "zone":
        from thecal.pump import zones

        try:
            zones.named(value)
        except BadInput as error:
            raise BadInput(error.cause.removeprefix("--zone: "), error.do) from None
    if value and key == "bench":
        from thecal.files.bench import bench_file

        bench_file(value)
