"""`thecal serve`: the web page of the pumps of this computer."""

from pathlib import Path
from typing import Annotated

import typer

from thecal.errors import Failed
from thecal.terminal.console import data, talk

HTTP_PORT = 8765
MISSING = ("fastapi", "uvicorn", "multipart")


def serve(
    port: Annotated[
        list[str] | None, typer.Option("--port", "-p", metavar="PORT", help="Only this pump; repeat for several (default: all).")
    ] = None,
    http_port: Annotated[int, typer.Option("--port-http", min=1, max=65_535, metavar="NUMBER", help="Port of the page.")] = HTTP_PORT,
    show: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    host: Annotated[
        str, typer.Option("--host", metavar="ADDRESS", help="Address to listen on; other computers need keys and a certificate.")
    ] = "127.0.0.1",
    certificate: Annotated[Path | None, typer.Option("--tls-cert", metavar="FILE", help="Certificate of the server, PEM.")] = None,
    key: Annotated[Path | None, typer.Option("--tls-key", metavar="FILE", help="Private key of the certificate, PEM.")] = None,
    notify: Annotated[
        list[str] | None, typer.Option(metavar="URL", help="Send alarms to this apprise URL (mail, chat, phone); repeat for several.")
    ] = None,
) -> None:
    """Show the pumps of this computer as a web page, until Ctrl-C. A pump goes on without it."""
    check_installed()
    from thecal.web import run

    how = run.How(port or [], http_port, host, certificate, key, notify or [])
    server = run.made(how)
    run.check_keys(server)
    url = server.rules.hosts.url()
    data(f"{url}")
    talk("Ctrl-C ends the page; the pumps go on")
    if show:
        import webbrowser

        webbrowser.open(url)
    run.serve(server, how)


def check_installed() -> None:
    """Raise Failed if the extra is not installed."""
    from importlib.util import find_spec

    if missing := [name for name in MISSING if find_spec(name) is None]:
        raise Failed(f"thecal serve needs {', '.join(missing)}", 'install it: pip install "thecal[serve]"')
