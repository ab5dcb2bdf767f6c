"""`thecal stop [PUMP]`: send one bare line to the pump before any other message."""

import os

from thecal.cli.options import AsJson, Port, Pump, Steps
from thecal.errors import BadInput
from thecal.terminal.console import data, emit_json, talk

AFTER_S = 2.0  # to ask the stopped pump what it did


def stop(pump: Pump = None, port: Port = None, steps: Steps = False, as_json: AsJson = False) -> None:
    """Stop the pump now, in any state, without a question. Then say what this run delivered and what it left."""
    from thecal.cli.typed import one_port
    from thecal.pump.client import Client

    port_url = port_of(one_port(pump, port))
    try:
        with Client(port_url) as client:
            reply = client.stop()
            note(port_url)
            if not as_json:
                data("stopped")
            from thecal.text.stopped import outcome

            client.patience_s = AFTER_S
            found = None if client.shared() else outcome(client)
    except BaseException:
        note(port_url)
        raise
    if as_json:
        emit_json({**reply, **(found.as_dict() if found else {"run": None})})
    elif found and (text := found.text(steps)):
        data(text)


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
