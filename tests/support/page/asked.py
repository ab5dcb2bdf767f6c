"""The server of the page in this process, asked by starlette's test client as its own page asks it."""

from starlette.testclient import TestClient

from thecal.web.app import application
from thecal.web.fleet import Fleet
from thecal.web.guard import Rules
from thecal.web.hosts import Hosts
from thecal.web.notify import Notifier
from thecal.web.server import Server
from thecal.web.sessions import Sessions

PORT = 8765
URL = f"http://127.0.0.1:{PORT}"


def made(ports: list[str], login: bool = False, urls: list[str] | None = None) -> Server:
    return Server(Fleet(ports, Notifier(urls or [])), Rules(Hosts("127.0.0.1", PORT, False), Sessions(), login))


def browser(server: Server) -> TestClient:
    headers = {"Origin": URL, "X-Thecal-Secret": server.rules.secret}
    return TestClient(application(server), base_url=URL, headers=headers, follow_redirects=False)
