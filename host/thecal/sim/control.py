"""Driving a simulated pump from another process: JSON lines on a loopback TCP port, one request per line.

    {"secret": "7f...", "method": "advance", "params": {"to_ms": 60000}}   ->   {"result": null}   or   {"error": text, "do": text}

The secret is made anew for each run. `thecal sim` prints it and keeps it in the runtime folder, in a file that only its owner can
read: whoever else works on this computer must not cut the power or read the flash. A line without it ends the connection.
`Control` has the methods of `runner.SimulatedPump` that concern the bench, with the same names and values.
"""

import base64
import contextlib
import hmac
import json
import secrets
import socket
import socketserver
import sys
import threading
import traceback
from typing import TYPE_CHECKING, Any

from thecal.sim.errors import SimulatorError

if TYPE_CHECKING:
    from thecal.sim.runner import SimulatedPump

CALL_TIMEOUT_S = 900.0
SECRET_BYTES = 16
LONGEST_LINE_BYTES = 65_536


class ControlServer:
    """Serve one pump until `close`; any number of clients, one request of each at a time."""

    def __init__(self, pump: "SimulatedPump") -> None:
        self.secret = secrets.token_hex(SECRET_BYTES)
        secret = self.secret

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                try:
                    while line := self.rfile.readline(LONGEST_LINE_BYTES):
                        if not knows(secret, line):
                            self.wfile.write(NO_SECRET)
                            return
                        self.wfile.write(answer(pump, line))
                except ConnectionError:
                    return  # the client was killed: there is nothing to answer

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self._address = ("127.0.0.1", self._server.server_address[1])
        self.address = "%s:%d" % self._address
        self._closing = False
        self._thread = threading.Thread(target=self._serve, name="pump control", daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while not self._closing:
            self._server.handle_request()  # without `serve_forever`, which wakes twice a second, four times as much as the idle pump costs

    def close(self) -> None:
        self._closing = True
        with contextlib.suppress(OSError):
            socket.create_connection(self._address).close()  # ends the wait for a request
        self._thread.join()
        self._server.server_close()


NO_SECRET = (
    json.dumps(
        {"error": "the control port's secret is missing or wrong", "do": 'send {"secret": ...} of this run, which `thecal sim` prints'}
    ).encode()
    + b"\n"
)


def knows(secret: str, line: bytes) -> bool:
    """Compare the secret of a request line, in a time that does not depend on its content."""
    try:
        given = json.loads(line)["secret"]
        return isinstance(given, str) and hmac.compare_digest(given.encode(), secret.encode())
    except (ValueError, KeyError, TypeError, RecursionError):
        return False


def answer(pump: "SimulatedPump", line: bytes) -> bytes:
    """Return the reply line to a request line."""
    try:
        request = json.loads(line)
        if request["method"] not in methods():
            raise SimulatorError(f"there is no method {request['method']!r}")
        result = getattr(pump, request["method"])(**request.get("params", {}))
        reply = {"result": base64.b64encode(result).decode() if isinstance(result, bytes) else result}
    except SimulatorError as error:
        reply = {"error": error.cause, "do": error.do}
    except (ValueError, KeyError, TypeError) as error:
        reply = {"error": f"the request is malformed: {error}", "do": ""}
    except Exception as error:  # noqa: BLE001  a fault of the simulator itself: the client must not wait for ever
        traceback.print_exc(file=sys.stderr)
        reply = {"error": f"the simulator failed: {error!r}", "do": ""}
    return json.dumps(reply).encode() + b"\n"


def methods() -> set[str]:
    """Return the names of allowed requests: exactly the methods of `Control`."""
    return {name for name in vars(Control) if not name.startswith("_")} - {"close"}


class Control:
    """The bench of a pump in another process. Raises SimulatorError as there, when that process has ended, and for a wrong secret."""

    def __init__(self, host: str, port: int, secret: str) -> None:
        self._secret = secret
        try:
            self._socket = socket.create_connection((host, port), timeout=CALL_TIMEOUT_S)
        except OSError as error:
            raise SimulatorError(f"no simulator listens on {host}:{port}: {error.strerror}", "start it") from None
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._lines = self._socket.makefile("rb")

    def close(self) -> None:
        self._lines.close()
        self._socket.close()

    def __enter__(self) -> "Control":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _call(self, method: str, **params: Any) -> Any:
        given = {name: value for name, value in params.items() if value is not None}
        try:
            self._socket.sendall(json.dumps({"secret": self._secret, "method": method, "params": given}).encode() + b"\n")
            line = self._lines.readline()
        except OSError as error:
            raise SimulatorError(f"the simulator does not answer: {error}") from None
        if not line:
            raise SimulatorError("the simulator has ended")
        reply = json.loads(line)
        if "error" in reply:
            raise SimulatorError(reply["error"], reply["do"])
        return reply["result"]

    def now_ms(self) -> int:
        return self._call("now_ms")

    def advance(self, to_ms: int) -> None:
        self._call("advance", to_ms=to_ms)

    def advance_by(self, duration_ms: int) -> None:
        self._call("advance_by", duration_ms=duration_ms)

    def wait_until_idle(self) -> None:
        self._call("wait_until_idle")

    def set_speed(self, speed: float) -> None:
        self._call("set_speed", speed=speed)

    def guest_time_s(self) -> float:
        return self._call("guest_time_s")

    def cut_power(self, at_ms: int | None = None, at_flash_op: int | None = None, torn: bool = False) -> None:
        self._call("cut_power", at_ms=at_ms, at_flash_op=at_flash_op, torn=torn)

    def restore_power(self) -> None:
        self._call("restore_power")

    def power_is_on(self) -> bool:
        return self._call("power_is_on")

    def reset(self) -> None:
        self._call("reset")

    def hang_up(self) -> None:
        self._call("hang_up")

    def guest_error(self) -> str | None:
        return self._call("guest_error")

    def plant_steps(self) -> int:
        return self._call("plant_steps")

    def plant_last_step_ms(self) -> int | None:
        return self._call("plant_last_step_ms")

    def enable_level(self) -> bool:
        return self._call("enable_level")

    def guard_miscount(self, steps: int) -> None:
        self._call("guard_miscount", steps=steps)

    def press_stop(self, hold_s: float = 0) -> None:
        self._call("press_stop", hold_s=hold_s)

    def press_bolus(self) -> None:
        self._call("press_bolus")

    def balance_fault(self, kind: str) -> None:
        self._call("balance_fault", kind=kind)

    def balance_delivered_ug(self) -> float:
        return self._call("balance_delivered_ug")

    def rotor_degrees(self) -> float:
        return self._call("rotor_degrees")

    def rotor_steps(self) -> float:
        return self._call("rotor_steps")

    def delivered_nl(self, at_ms: float | None = None) -> float:
        return self._call("delivered_nl", at_ms=at_ms)

    def slip(self, degrees: float) -> None:
        self._call("slip", degrees=degrees)

    def turn_rotor(self, degrees: float) -> None:
        self._call("turn_rotor", degrees=degrees)

    def drive_rotor(self, how: str) -> None:
        self._call("drive_rotor", how=how)

    def alter_head(self, changes: str) -> None:
        self._call("alter_head", changes=changes)

    def sensor_fault(self, kind: str) -> None:
        self._call("sensor_fault", kind=kind)

    def set_motor_supply(self, supply_mv: int) -> None:
        self._call("set_motor_supply", supply_mv=supply_mv)

    def buzzer(self) -> str:
        return self._call("buzzer")

    def led(self) -> bool:
        return self._call("led")

    def flash_ops(self) -> int:
        return self._call("flash_ops")

    def flash_wear(self) -> dict[str, Any]:
        return self._call("flash_wear")

    def flash_image(self) -> bytes:
        return base64.b64decode(self._call("flash_image"))

    def pull_cable(self, after_received: int | None = None, after_sent: int | None = None) -> None:
        self._call("pull_cable", after_received=after_received, after_sent=after_sent)

    def plug_cable(self) -> None:
        self._call("plug_cable")

    def lost_bytes(self) -> int:
        return self._call("lost_bytes")
