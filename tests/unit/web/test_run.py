"""The options of `thecal serve`, the names to which it answers, and what other computers need."""

from pathlib import Path

import pytest

from thecal.errors import BadInput, Failed
from thecal.web.hosts import Hosts
from thecal.web.run import How, check_keys, made


def how(host: str = "127.0.0.1", certificate: Path | None = None, key: Path | None = None) -> How:
    return How(["socket://127.0.0.1:9"], 8765, host, certificate, key, [])


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.7", "::"])
def test_other_computers_need_an_encrypted_page(host: str, tmp_path: Path) -> None:
    for certificate, key in ((None, None), (tmp_path, None), (None, tmp_path)):
        with pytest.raises(BadInput) as error:
            made(how(host, certificate, key))
        assert "--tls-cert" in error.value.do


def test_a_file_that_is_no_certificate_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "cert.pem"
    for content in (None, "not a certificate"):
        if content:
            file.write_text(content)
        with pytest.raises(BadInput) as error:
            made(how("0.0.0.0", file, file))
        assert "cert.pem" in error.value.cause


def test_other_computers_need_pumps_with_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    server = made(how())
    check_keys(server)  # on this computer no keys are needed
    server.fleet.end()
    monkeypatch.setattr("thecal.web.run.PATIENCE_S", 0.1)
    server = made(how())
    server.rules.login = True
    with pytest.raises(Failed) as error:
        check_keys(server)
    assert "thecal key new" in error.value.do


@pytest.mark.parametrize(
    ("address", "secure", "host", "allowed"),
    [
        ("127.0.0.1", False, "127.0.0.1:8765", True),
        ("127.0.0.1", False, "localhost:8765", True),
        ("127.0.0.1", False, "[::1]:8765", True),
        ("127.0.0.1", False, "LOCALHOST:8765", True),
        ("127.0.0.1", False, "192.0.2.7:8765", False),
        ("127.0.0.1", False, "localhost", False),
        ("127.0.0.1", False, "localhost.evil.example:8765", False),
        ("192.0.2.7", True, "192.0.2.7:8765", True),
        ("192.0.2.7", True, "192.0.2.8:8765", False),
        ("192.0.2.7", True, "localhost:8765", False),
        ("0.0.0.0", True, "192.0.2.7:8765", True),
        ("0.0.0.0", True, "[2001:db8::1]:8765", True),
        ("0.0.0.0", True, "evil.example:8765", False),
        ("0.0.0.0", True, "2001:db8::1:8765", False),
        ("0.0.0.0", True, "user@192.0.2.7:8765", False),
        ("::", True, "[::1]:8765", True),
    ],
)
def test_the_names_to_which_the_server_answers(address: str, secure: bool, host: str, allowed: bool) -> None:
    assert Hosts(address, 8765, secure).allows(host) is allowed


def test_the_origin_is_the_address_of_the_page() -> None:
    assert Hosts("127.0.0.1", 8765, False).origin("localhost:8765") == "http://localhost:8765"
    assert Hosts("0.0.0.0", 8765, True).origin("a:8765") == "https://a:8765"
    assert Hosts("127.0.0.1", 8765, False).url() == "http://127.0.0.1:8765/"
