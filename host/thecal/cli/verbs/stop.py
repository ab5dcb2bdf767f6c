"""`thecal stop [PUMP]`: send one bare line to the pump before any other message."""

import os

from thecal.cli.options import AsJson, Port, Pump
from thecal.errors import BadInput
from thecal.terminal.console import data, emit_json, talk


def stop(pump: Pump = None, port: Port = None, as_json: AsJson = False) -> None:
    """Stop the pump now, in any state, without a question."""
    from thecal.cli.typed import one_port
    from thecal.pump.client import Client

    port_url = port_of(one_port(pump, port))
    try:
        with Client(port_url) as client:
            reply = client.stop()
    finally:
        note(port_url)
    if as_json:
        emit_json(reply)
    else:
        data(f"stopped; delivered {reply.get('delivered_steps', 'an unknown number of')} steps")


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


def note(port_url: str) -> None:
    """Note the stop for the verbs of this computer that steer the pump; after the stop, so that a full or slow disk can't delay it."""
    from thecal.pump.transport import registry

    try:
        registry.note_stop(port_url)
    except OSError as error:
        talk(f"this stop could not be noted for a running calibration or weighing: {error.strerror}")
