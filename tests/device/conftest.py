"""The pump under test. Every scenario here needs a target that runs; a `needs` mark names what else it needs."""

from collections.abc import Iterator

import pytest

from support.rig.device import Device


@pytest.fixture(autouse=True)
def usable(target: object) -> None:
    """Skip, with the target's reason, if nothing can run."""


@pytest.fixture
def device() -> Iterator[Device]:
    """A newly flashed pump with a clock chip, booted, that nobody has spoken to."""
    with Device() as fresh:
        yield fresh


@pytest.fixture(params=["port", "socket"])
def port_url(request: pytest.FixtureRequest, device: Device) -> str:
    """The port of `device`: its serial port, then its socket."""
    if request.param == "socket":
        return device.sim.socket_url or pytest.skip("this pump has no socket")
    if device.sim.port_url is None:
        pytest.skip("no pseudo-terminals on this system")
    return device.sim.port_url
