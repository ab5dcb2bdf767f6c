"""A server of the page without a pump: the paths of `thecal serve`, its headers, and answers that a test sets."""

import json
import socket
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Empty, Queue
from typing import Any

from support.page import fixtures
from support.page.fixtures import Json

PAGE = Path(__file__).resolve().parents[3] / "host" / "thecal" / "web" / "page"
SECRET = "0123456789abcdef"
CSP = ("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; "
       "form-action 'self'; frame-ancestors 'none'")  # fmt: skip
TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
BEAT_S = 1.0


class Refusal(Exception):
    """An answer with a status of 400 or more."""

    def __init__(self, status: int, kind: str, text: str, do: str) -> None:
        super().__init__(text)
        self.status, self.body = status, {"error": {"kind": kind, "text": text, "do": do}}


class FakeServer:
    """`pumps` by id; `asked` has (path, body) of every POST; `answers` by the last part of a path replaces what would be answered."""

    def __init__(self, pumps: list[Json]) -> None:
        self.pumps = {pump["id"]: pump for pump in pumps}
        self.asked: list[tuple[str, Json]] = []
        self.answers: dict[str, Callable[[str, Json], Json]] = {}
        self.slow_s: dict[str, float] = {}
        self.streams: list[Queue[bytes]] = []
        self.chart = fixtures.chart
        self.wizard = fixtures.wizard("idle")
        self.secret = SECRET
        self.session: Json = {}
        self.mute = False  # connections stay open and nothing is said
        self._reviews: dict[str, Json] = {}
        self._http: ThreadingHTTPServer | None = None
        self._port = 0

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> "FakeServer":
        """Listen; a second start listens on the same port."""
        handler = type("Handler", (Handler,), {"fake": self})
        self._http = Listening(("127.0.0.1", self._port), handler)
        self._port = self._http.server_address[1]
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def die(self) -> None:
        """End at once, every stream with it."""
        if self._http:
            http, self._http = self._http, None
            for stream in self.streams:
                stream.put(b"")
            self.streams = []
            http.shutdown()
            http.server_close()
            http.cut()

    def push(self, pump_id: str, **changed: Any) -> None:
        """Change a pump and tell every browser."""
        self.pumps[pump_id] = {**self.pumps[pump_id], "asof_utc_s": int(time.time()), **changed}
        self.send("pump", self.pumps[pump_id])

    def send(self, event: str, data: Json) -> None:
        """Send an event to every browser."""
        for stream in self.streams:
            stream.put(f"event: {event}\ndata: {json.dumps(data)}\n\n".encode())

    # --- the paths

    def get(self, parts: list[str], query: str) -> Any:
        """Return the answer to a GET below /api."""
        if parts == ["pumps"]:
            now_s = int(time.time())
            seen = list(self.pumps.values())
            time.sleep(self.slow_s.get("pumps", 0))
            return [{**pump, "asof_utc_s": now_s - (0 if pump["online"] else 12)} for pump in seen]
        if parts == ["session"]:
            keyed = {pump["id"]: "" for pump in self.pumps.values() if pump["keys"] != "none"}
            return {"logged_in": False, "login_needed": False, "roles": keyed, "version": "0.1.0", **self.session}
        _, pump_id, what = parts
        if what == "program" and self.pumps[pump_id]["program"] is None:
            raise Refusal(404, "no_program", "no program is active", "upload a prescription")
        makers: dict[str, Callable[[], Json]] = {"chart": lambda: self.chart(query.removeprefix("span=")), "program": fixtures.program,
                                                 "calibrate": lambda: self.wizard}  # fmt: skip
        return makers[what]()

    def post(self, parts: list[str], body: Json) -> Json:
        """Return the answer to a POST below /api."""
        if parts == ["logout"]:
            self.session = {}
            return {}
        _, pump_id, what = parts
        self.asked.append((f"{pump_id}/{what}", body))
        time.sleep(self.slow_s.get(what, 0))
        if what in self.answers:
            return self.answers[what](pump_id, body)
        return getattr(self, f"_{what}")(pump_id, body)

    def _stop(self, pump_id: str, _: Json) -> Json:
        self.push(pump_id, state="stopped", state_text="stopped", rate_text="0 mL/h", next_text="", orders=[])
        return {"state": "stopped", "delivered_text": "This run delivered 0.94 uL in 4 s."}

    def _review(self, pump_id: str, body: Json) -> Json:
        review = f"r{len(self._reviews)}"
        self._reviews[review] = body
        kind = body["kind"]
        rows = fixtures.BOLUS_ROWS if kind == "bolus" else fixtures.ROWS if kind in ("program", "run") else [["does", f"what {kind} does"]]
        digest = fixtures.OTHER_DIGEST if kind in ("program", "run") else None
        question = f"Carry out this {kind}?"
        parts = [{"kind": "headed" if len(rows) > 1 else "columns", "rows": rows}]
        shown = {"question": question, "rows": rows, "parts": parts, "text": "", "digest": digest}
        return {"review": review, "kind": kind, **shown, "expires_s": 120}

    def _confirm(self, pump_id: str, body: Json) -> Json:
        asked = self._reviews.pop(body["review"], None)
        if asked is None:
            raise Refusal(409, "review_void", "this review was used or has expired", "review it again")
        digest = fixtures.OTHER_DIGEST if asked["kind"] in ("program", "run") else None
        if asked["kind"] == "ack":
            self.push(pump_id, alarms=[alarm for alarm in self.pumps[pump_id]["alarms"] if alarm["fault"] != asked["fault"]])
        elif asked["kind"] in ("run", "start"):
            self.push(pump_id, state="running", state_text="running", rate_text=asked.get("rate", "0.5 mL/h"))
        return {"reply": {}, "digest": digest, "text": f"{asked['kind']}: done."}

    def _cancel(self, pump_id: str, body: Json) -> Json:
        self.push(pump_id, orders=[order for order in self.pumps[pump_id]["orders"] if order["token"] != body["token"]])
        return {"reply": {}, "digest": None, "text": "The bolus has ended: 6.2 of 19.99 uL."}

    def _calibrate(self, pump_id: str, body: Json) -> Json:
        masses = [["run 1", "1.0023 g"], ["run 2", "1.0019 g"]]
        weighed = self.wizard["run"]
        self.chart = fixtures.chart
        self.wizard = {
            "plan": lambda: fixtures.wizard("planned", rows=[["turns", "20"], ["rate", "2 mL/h"]]),
            "run": lambda: fixtures.wizard("running", weighed + 1, done_permille=400),
            "mass": lambda: fixtures.wizard("fitted" if weighed == 2 else "planned", weighed, rows=masses[:weighed]),
            "store": lambda: fixtures.wizard("stored", 2, text="1.0021 mL in 100,000 steps, read back."),
            "leave": lambda: fixtures.wizard("idle"),
        }[body["step"]]()
        return self.wizard


class Listening(ThreadingHTTPServer):
    """Threads that end with the test, on a port that may be taken again at once."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(address, handler)
        self._open: list[socket.socket] = []

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection, and keep it to cut it."""
        made = super().get_request()
        self._open.append(made[0])
        return made

    def cut(self) -> None:
        """Cut every connection, also those that a browser keeps for its next request."""
        for one in self._open:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # closed already


class Handler(BaseHTTPRequestHandler):
    """One connection; `fake` is set by the server."""

    fake: FakeServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Print nothing."""

    def handle(self) -> None:
        """Serve until either side goes away."""
        try:
            super().handle()
        except (ConnectionError, OSError):
            pass

    def do_GET(self) -> None:
        """Answer a file, the stream, or a path of the interface."""
        path, _, query = self.path.partition("?")
        while self.fake.mute:
            time.sleep(0.05)
        if path == "/api/events":
            return self.stream()
        if path.startswith("/api/"):
            parts = path.removeprefix("/api/").split("/")
            if parts[-1] in ("journal.csv", "report.html", "compare.csv"):
                return self.reply(200, b"made,by\nthe,fake\n", "text/csv")
            return self.answer(lambda: self.fake.get(parts, query))
        name = {"/": "index.html", "/login": "login.html"}.get(path, path.removeprefix("/page/"))
        file = PAGE / name
        if not file.is_file():
            return self.reply(404, b"", "text/plain")
        content = file.read_bytes().replace(b'"thecal-secret" content=""', f'"thecal-secret" content="{self.fake.secret}"'.encode())
        return self.reply(200, content, TYPES.get(file.suffix, "text/plain"))

    def do_POST(self) -> None:
        """Check the secret, which STOP alone does not need, then answer."""
        path = self.path.removeprefix("/api/").strip("/").split("/")
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        if path[-1] != "stop" and self.headers.get("X-Thecal-Secret") != self.fake.secret:
            error = {"kind": "wrong_secret", "text": "the server was started again", "do": "reload the page"}
            return self.reply(403, json.dumps({"error": error}).encode(), "application/json")
        return self.answer(lambda: self.fake.post(path, body))

    def answer(self, make: Callable[[], Any]) -> None:
        try:
            status, body = 200, make()
        except Refusal as refusal:
            status, body = refusal.status, refusal.body
        self.reply(status, json.dumps(body).encode(), "application/json")

    def reply(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        for name, value in (("Content-Type", kind), ("Content-Length", str(len(body))), ("Content-Security-Policy", CSP)):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def stream(self) -> None:
        """Send what a test pushes, and a comment each second, until an empty piece ends it."""
        pieces: Queue[bytes] = Queue()
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        self.fake.streams.append(pieces)
        piece = b": beat\n\n"
        while piece:
            if not self.fake.mute:
                self.wfile.write(piece)
            try:
                piece = pieces.get(timeout=BEAT_S)
            except Empty:
                piece = b": beat\n\n"
