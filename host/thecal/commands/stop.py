"""`thecal stop`: one bare line to the pump, before anything else is asked."""

from thecal.commands.options import AsJson, Port
from thecal.console import data, emit_json


def stop(port: Port = None, as_json: AsJson = False) -> None:
    """Stop the pump now. Always acts; needs no program, no clock, no confirmation."""
    from thecal.client import Client
    from thecal.connecting import choose

    with Client(choose(port)) as client:
        reply = client.stop()
    if as_json:
        emit_json(reply)
    else:
        data(f"stopped; delivered {reply.get('delivered_steps', 'an unknown number of')} steps")
