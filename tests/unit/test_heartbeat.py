from __future__ import annotations

import datetime
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from sidecar.host.liveness import Liveness
from sidecar.monitor.heartbeat import Heartbeat
from sidecar.settings.fields import SecretRef
from tests.harness import HandClock, RecordingNarrator

SECRET = "9f2c-the-address-is-a-secret"


class Switch:
    """The other side: what it was asked for, and what it answers."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.status = 200
        self.location = ""


@contextmanager
def listening(switch: Switch, context: ssl.SSLContext | None = None) -> Iterator[str]:
    class Desk(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            switch.asked.append(self.path)
            self.send_response(switch.status)
            if switch.location:
                self.send_header("Location", switch.location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    desk = ThreadingHTTPServer(("127.0.0.1", 0), Desk)
    if context is not None:
        desk.socket = context.wrap_socket(desk.socket, server_side=True)
    thread = Thread(target=desk.serve_forever)
    thread.start()
    try:
        yield f"{'https' if context else 'http'}://127.0.0.1:{desk.server_port}/{SECRET}"
    finally:
        desk.shutdown()
        thread.join()
        desk.server_close()


def self_signed(folder: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = folder / "server.pem"
    pem.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


@pytest.fixture(autouse=True)
def no_proxy_stands_between(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def told() -> RecordingNarrator:
    return RecordingNarrator()


@pytest.fixture
def liveness() -> Liveness:
    clock = HandClock()
    made = Liveness(clock, {"intake": 60.0})
    made.works_until(clock.seconds + 1000)
    made.ended("intake")
    return made


def heartbeat(folder: Path, address: str, liveness: Liveness, told: RecordingNarrator) -> Heartbeat:
    file = folder / "heartbeat.url"
    file.touch(mode=0o600)
    file.write_text(address + "\n", "utf-8")
    return Heartbeat(SecretRef(file=file), liveness, told)


def test_it_asks_as_long_as_the_daemon_works(
    tmp_path: Path, liveness: Liveness, told: RecordingNarrator
) -> None:
    switch = Switch()
    with listening(switch) as address:
        beat = heartbeat(tmp_path, address, liveness, told).beat
        beat()
        liveness.works_until(0.0)
        beat()
    assert switch.asked == [f"/{SECRET}"]
    assert told.lines == []


def test_a_failure_is_told_once_without_the_address_and_its_end_too(
    tmp_path: Path, liveness: Liveness, told: RecordingNarrator
) -> None:
    switch = Switch()
    with listening(switch) as address:
        beat = heartbeat(tmp_path, address, liveness, told).beat
        switch.status = 503
        beat()
        beat()
        switch.status = 200
        beat()
    beat()
    assert told.names() == ["heartbeat.failed", "heartbeat.recovered", "heartbeat.failed"]
    first, second = told.of("heartbeat.failed")
    assert first["message"] == "HTTP 503"
    assert second["message"] == "not reached (ConnectionRefusedError)"
    assert SECRET not in str(told.lines)


def test_a_redirection_takes_the_address_nowhere(
    tmp_path: Path, liveness: Liveness, told: RecordingNarrator
) -> None:
    switch, elsewhere = Switch(), Switch()
    with listening(elsewhere) as other, listening(switch) as address:
        switch.status, switch.location = 302, other
        heartbeat(tmp_path, address, liveness, told).beat()
    assert elsewhere.asked == []
    assert told.of("heartbeat.failed")[0]["message"] == "HTTP 302"


def test_a_certificate_that_nobody_vouches_for_is_refused(
    tmp_path: Path, liveness: Liveness, told: RecordingNarrator
) -> None:
    switch = Switch()
    with listening(switch, self_signed(tmp_path)) as address:
        heartbeat(tmp_path, address, liveness, told).beat()
    assert switch.asked == []
    assert told.of("heartbeat.failed")[0]["message"] == "not reached (SSLCertVerificationError)"


@pytest.mark.parametrize("address", ["file:///etc/passwd", "example.com/ping", "http://["])
def test_an_address_that_is_none_is_told_without_repeating_it(
    tmp_path: Path, liveness: Liveness, told: RecordingNarrator, address: str
) -> None:
    heartbeat(tmp_path, address, liveness, told).beat()
    (line,) = told.of("heartbeat.failed")
    assert address not in str(line)


def test_a_secret_that_is_not_there_disturbs_nothing(
    tmp_path: Path, liveness: Liveness, told: RecordingNarrator
) -> None:
    Heartbeat(SecretRef(file=tmp_path / "none"), liveness, told).beat()
    assert told.names() == ["heartbeat.failed"]
