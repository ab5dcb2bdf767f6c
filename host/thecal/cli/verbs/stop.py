"""`thecal stop [PUMP]`: send one bare line to the pump before any other message."""

import os

from thecal.cli.options import AsJson, Port, Pump, Steps
from thecal.errors import BadInput
from thecal.terminal.console import data, emit_json, talk


def stop(pump: Pump = None, port: Port = None, steps: Steps = False, as_json: AsJson = False) -> None:
    """Stop the pump now, in any state, without a question. Then say what this run delivered and what it left."""
    from thecal.cli.typed import one_port
    from thecal.pump.client import Client

    port_url = port_of(one_port(pump, port))
    try:
        with Client(port_url) as client:
            reply = client.stop()
            noted(port_url)
            if not as_json:
                data("stopped")
            from thecal.api.stopping import after  # after the stop: nothing delays it

            found = after(client, reply, steps)
    except BaseException:
        noted(port_url)
        raise
    if as_json:
        emit_json(found.data)
    elif found.text:
        data(found.text)


def port_of(named: str | None) -> str:
    """Return the pump's port. A config file that can't be used stops no stop."""
    from thecal.files import config
    from thecal.pump import opening

    if not named:
        try:
            config.stored()
        except BadInput as error:
            talk(f"{error.cause}; it is ignored")
            return os.environ.get("THECAL_PORT") or opening.only().port_url
    return opening.choose(named)


def noted(port_url: str) -> None:
    """Note the stop for the verbs of this computer that steer the pump."""
    from thecal.api.stopping import note

    note(port_url, talk)
