"""`thecal stop [PUMP]`: send one bare line to the pump before any other message."""

from thecal.cli.options import AsJson, Port, Pump
from thecal.terminal.console import data, emit_json, talk


def stop(pump: Pump = None, port: Port = None, as_json: AsJson = False) -> None:
    """Stop the pump now, in any state, without a question."""
    from thecal.cli.typed import one_port
    from thecal.pump.client import Client
    from thecal.pump.opening import choose

    port_url = choose(one_port(pump, port))
    try:
        with Client(port_url) as client:
            reply = client.stop()
    finally:
        note(port_url)
    if as_json:
        emit_json(reply)
    else:
        data(f"stopped; delivered {reply.get('delivered_steps', 'an unknown number of')} steps")


def note(port_url: str) -> None:
    """Note the stop for the verbs of this computer that steer the pump; after the stop, so that a full or slow disk can't delay it."""
    from thecal.pump.transport import registry

    try:
        registry.note_stop(port_url)
    except OSError as error:
        talk(f"this stop could not be noted for a running calibration or weighing: {error.strerror}")
