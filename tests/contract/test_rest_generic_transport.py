"""What the transport does when the wire misbehaves below HTTP, and how it logs in."""

from __future__ import annotations

import gzip
import ssl
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from adapters.rest import generic
from sidecar.delivery.pushed import Answer
from sidecar.domains import SPECS
from sidecar.model.errors import ConfigurationError, NotReached, Unavailable
from sidecar.model.outcome import (
    Accepted,
    Misconfigured,
    Outcome,
    Rejected,
    Retry,
    Throttled,
    Unknown,
)
from sidecar.model.secret import Secret
from sidecar.ports import AdapterSettings, ErpAdapter, ShopContext
from sidecar.testing.contract_calls import push_all
from sidecar.testing.sample_order import placed, simple_order
from tests.contract.scripted_server import (
    CLOSE,
    Received,
    Script,
    ScriptedServer,
    answer,
    scripted_server,
)

SINGLE = Path(__file__).parent / "mappings" / "single.yaml"
BOOKED = '{"number": "SO-1", "state": "OPEN", "lines": [], "tax": 1.10, "total": 12.30}'


class Bench:
    """A scripted server and an adapter that talks to it."""

    def __init__(self, server: ScriptedServer, adapter: ErpAdapter) -> None:
        self.server = server
        self.adapter = adapter

    def push(self, number: str = "000000042") -> Answer:
        [result] = push_all(self.adapter, [placed(simple_order(number))])
        return result

    def outcome(self, number: str = "000000042") -> Outcome:
        return self.push(number).outcome


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def bench(
    stack: ExitStack,
    script: Script,
    *,
    tls: ssl.SSLContext | None = None,
    tls_files: dict[str, Path] | None = None,
    read_timeout: float = 20,
    auth: dict[str, Any] | None = None,
    calls: Path = SINGLE,
) -> Bench:
    server = stack.enter_context(scripted_server(script, tls))
    settings = AdapterSettings(
        url=server.url,
        connect_timeout=5,
        read_timeout=read_timeout,
        shop=ShopContext("main", ZoneInfo("Europe/Berlin")),
        calls=calls,
        auth=auth or {},
        tls={key: str(path) for key, path in (tls_files or {}).items()},
        domains=SPECS,
    )
    return Bench(server, stack.enter_context(closing(generic.create(settings))))


# The deadline of a whole answer


@pytest.mark.parametrize("part", ["status line", "headers", "body"])
def test_an_answer_that_dribbles_for_ever_ends_at_the_deadline(stack: ExitStack, part: str) -> None:
    def script(_: Received) -> Iterable[bytes]:
        if part == "status line":
            yield from at.server.dribble(b"HTTP/1.1 201 " + b"x" * 10_000, 0.02)
        elif part == "headers":
            yield b"HTTP/1.1 201 Created\r\n"
            yield from at.server.dribble(b"X: " + b"x" * 10_000, 0.02)
        else:
            yield b"HTTP/1.1 201 Created\r\nContent-Length: 10000\r\n\r\n"
            yield from at.server.dribble(b" " * 10_000, 0.02)

    at = bench(stack, script, read_timeout=0.4)
    started = time.monotonic()

    outcome = at.outcome()

    assert isinstance(outcome, Unknown)
    assert "no complete answer within 0.4 s" in outcome.message
    assert time.monotonic() - started < 10


def test_a_body_of_chunks_that_breaks_off_is_unknown(stack: ExitStack) -> None:
    head = b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\n"
    chunks = [head, b"Transfer-Encoding: chunked\r\n\r\n", b'10\r\n{"number": "SO-1\r\n', CLOSE]

    assert isinstance(bench(stack, lambda _: chunks).outcome(), Unknown)


def test_an_answer_of_more_than_sixteen_megabytes_is_not_taken_in(stack: ExitStack) -> None:
    def script(_: Received) -> Iterable[bytes]:
        yield b"HTTP/1.1 201 Created\r\nContent-Length: 99000000\r\n\r\n"
        yield from [b" " * 1_000_000] * 99

    outcome = bench(stack, script).outcome()

    assert isinstance(outcome, Unknown)
    assert "larger than 16 MiB" in outcome.message


def test_a_small_answer_that_unpacks_to_a_giant_is_not_taken_in(stack: ExitStack) -> None:
    giant = gzip.compress(b" " * 100_000_000)

    outcome = bench(stack, lambda _: answer(201, giant, Content_Encoding="gzip")).outcome()

    assert isinstance(outcome, Unknown)
    assert "larger than 16 MiB" in outcome.message


def test_a_packed_answer_is_read(stack: ExitStack) -> None:
    packed = gzip.compress(BOOKED.encode())

    at = bench(stack, lambda _: answer(201, packed, Content_Encoding="gzip"))

    assert isinstance(at.outcome(), Accepted)


# Never sent twice


def test_an_order_on_a_connection_that_dies_is_unknown_and_never_sent_again(
    stack: ExitStack,
) -> None:
    def script(received: Received) -> Iterable[bytes] | None:
        return answer(201, BOOKED) if len(at.server.requests) == 1 else None

    at = bench(stack, script)

    assert isinstance(at.outcome("000000001"), Accepted)
    assert isinstance(at.outcome("000000002"), Unknown)
    assert len(at.server.requests) == 2


def test_a_connection_that_the_server_has_closed_is_not_used_for_the_next_order(
    stack: ExitStack,
) -> None:
    at = bench(stack, lambda _: [*answer(201, BOOKED), CLOSE])

    assert isinstance(at.outcome("000000001"), Accepted)
    assert at.server.closed.wait(10)
    assert isinstance(at.outcome("000000002"), Accepted)
    assert [each.connection for each in at.server.requests] == [1, 2]


def test_calls_in_a_row_share_a_connection(stack: ExitStack) -> None:
    at = bench(stack, lambda _: answer(201, BOOKED))

    for number in range(1, 6):
        assert isinstance(at.outcome(f"{number:09}"), Accepted)

    assert {each.connection for each in at.server.requests} == {1}


@pytest.mark.parametrize(
    ("status", "expected"),
    # After 302 and 303 an interface of forms may have booked.
    [
        (301, Misconfigured),
        (307, Misconfigured),
        (308, Misconfigured),
        (302, Unknown),
        (303, Unknown),
    ],
)
def test_a_redirection_is_named_and_is_not_followed(
    stack: ExitStack, status: int, expected: type[Outcome]
) -> None:
    place = "https://me:pass@erp.example.com/v3/orders?token=abc#top"
    at = bench(stack, lambda _: answer(status, BOOKED, Location=place))

    outcome = at.outcome()
    with pytest.raises(
        Unavailable, match=r"redirects to https://erp\.example\.com/v3/orders"
    ) as asked:
        at.adapter.probe("orders", ["000000042"])
    ping = at.adapter.ping()

    assert isinstance(outcome, expected), outcome
    assert "redirects to https://erp.example.com/v3/orders" in outcome.message
    assert (ping.reachable, "redirects to" in ping.message) == (True, True)
    for told in (str(outcome), str(asked.value), ping.message):
        assert "pass" not in told
        assert "abc" not in told
    assert [each.target.split("?")[0] for each in at.server.requests] == ["/api/sales-orders"] * 3


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_question_that_is_redirected_cannot_be_put_whatever_its_method(
    stack: ExitStack, tmp_path: Path, status: int
) -> None:
    calls = tmp_path / "calls.yaml"
    calls.write_text(SINGLE.read_text("utf-8").replace("method: GET", "method: POST"), "utf-8")
    at = bench(stack, lambda _: answer(status, BOOKED, Location="/elsewhere"), calls=calls)

    with pytest.raises(NotReached, match="/elsewhere") as asked:
        at.adapter.probe("orders", ["000000042"])

    assert asked.value.lasting
    assert len(at.server.requests) == 1


@pytest.mark.parametrize("place", ["", "http://[::1", "\x01\x02", "x" * 9_000, "//", "mailto:a@b"])
def test_a_redirection_to_nowhere_is_one_too(stack: ExitStack, place: str) -> None:
    outcome = bench(stack, lambda _: answer(301, Location=place)).outcome()

    assert isinstance(outcome, Misconfigured)
    assert "redirects to" in outcome.message


def test_no_proxy_of_the_environment_sees_the_orders(
    stack: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")

    assert isinstance(bench(stack, lambda _: answer(201, BOOKED)).outcome(), Accepted)


# What an answer may look like


def test_retry_after_may_be_a_date(stack: ExitStack) -> None:
    then = format_datetime(datetime.now(UTC) + timedelta(minutes=5), usegmt=True)

    outcome = bench(stack, lambda _: answer(429, Retry_After=then)).outcome()

    assert isinstance(outcome, Throttled)
    assert outcome.after == pytest.approx(300, abs=30)


@pytest.mark.parametrize("given", ["soon", "-5", "1e400", ""])
def test_a_retry_after_that_says_nothing_is_left_out(stack: ExitStack, given: str) -> None:
    outcome = bench(stack, lambda _: answer(429, Retry_After=given)).outcome()

    assert isinstance(outcome, Throttled)
    assert outcome.after is None


def test_json_in_another_alphabet_is_read_by_its_charset(stack: ExitStack) -> None:
    body = '{"error": {"code": "E7", "message": "Größe fehlt"}}'.encode("latin-1")
    mime = "application/json; charset=ISO-8859-1"

    outcome = bench(stack, lambda _: answer(422, body, Content_Type=mime)).outcome()

    assert outcome == Rejected(message="Größe fehlt", code="E7")


def test_json_that_is_called_html_is_json(stack: ExitStack) -> None:
    at = bench(stack, lambda _: answer(201, BOOKED, Content_Type="text/html"))

    assert isinstance(at.outcome(), Accepted)


def test_an_amount_beyond_all_measure_is_no_answer(stack: ExitStack) -> None:
    body = '{"number": "SO-1", "state": "OPEN", "total": 1e999999999}'

    assert isinstance(bench(stack, lambda _: answer(201, body)).outcome(), Unknown)


def test_a_refusal_without_words_quotes_the_body(stack: ExitStack) -> None:
    outcome = bench(stack, lambda _: answer(422, "<p>Kein Kredit</p>", Content_Type="text/html"))

    assert outcome.outcome() == Rejected(message="HTTP 422: <p>Kein Kredit</p>")


# Logging in


@pytest.mark.parametrize(
    ("auth", "header", "value"),
    [
        (
            {"basic": {"user": "ü", "password": Secret("geh:eim")}},
            "Authorization",
            "Basic w7w6Z2VoOmVpbQ==",
        ),
        ({"bearer": {"token": Secret("tok3n")}}, "Authorization", "Bearer tok3n"),
        ({"header": {"name": "X-Api-Key", "value": Secret("k3y!")}}, "X-Api-Key", "k3y!"),
    ],
)
def test_the_login_goes_with_every_call(
    stack: ExitStack, auth: dict[str, Any], header: str, value: str
) -> None:
    at = bench(stack, lambda _: answer(201, BOOKED), auth=auth)

    at.push()

    assert at.server.requests[0].header(header) == value


def test_a_secret_that_the_erp_echoes_is_struck_out(stack: ExitStack) -> None:
    auth = {"basic": {"user": "magento", "password": Secret("hunter22")}}
    body = '{"error": {"message": "no such user magento/hunter22"}}'

    result = bench(stack, lambda _: answer(422, body), auth=auth).push()

    assert result.outcome == Rejected(message="no such user magento/***")
    assert "hunter22" not in repr(result)


class TokenDesk:
    """Issues numbered tokens at /token and takes only those that are valid."""

    def __init__(self) -> None:
        self.issued = 0
        self.valid = {"token-1", "token-2"}
        self.refusal = 0

    def __call__(self, received: Received) -> Iterable[bytes] | None:
        if received.target == "/token":
            if self.refusal:
                return answer(self.refusal, '{"error": "invalid_client"}')
            self.issued += 1
            token = f'{{"access_token": "token-{self.issued}", "expires_in": 3600}}'
            return answer(200, token)
        token = (received.header("Authorization") or "").removeprefix("Bearer ")
        return answer(201, BOOKED) if token in self.valid else answer(401)


def token_bench(stack: ExitStack, desk: TokenDesk) -> Bench:
    tokens = stack.enter_context(scripted_server(desk))
    settings = {
        "token_url": tokens.url.replace("/api", "/token"),
        "client_id": "magento",
        "client_secret": Secret("s3cret"),
        "scope": "orders",
    }
    return bench(stack, desk, auth={"oauth2_client_credentials": settings})


def test_a_token_is_fetched_once_for_many_calls(stack: ExitStack) -> None:
    desk = TokenDesk()
    at = token_bench(stack, desk)

    for number in range(1, 4):
        assert isinstance(at.outcome(f"{number:09}"), Accepted)

    assert desk.issued == 1


def test_a_token_that_is_refused_is_renewed_once(stack: ExitStack) -> None:
    desk = TokenDesk()
    at = token_bench(stack, desk)
    at.push()
    desk.valid.discard("token-1")

    assert isinstance(at.outcome("000000002"), Accepted)
    assert desk.issued == 2


def test_a_login_that_stays_refused_is_not_tried_for_ever(stack: ExitStack) -> None:
    desk = TokenDesk()
    desk.valid.clear()
    at = token_bench(stack, desk)

    assert isinstance(at.outcome(), Misconfigured)
    assert len(at.server.requests) == 2


@pytest.mark.parametrize(
    ("status", "expected"), [(400, Misconfigured), (401, Misconfigured), (503, Retry), (429, Retry)]
)
def test_without_a_token_nothing_is_sent(
    stack: ExitStack, status: int, expected: type[Outcome]
) -> None:
    desk = TokenDesk()
    desk.refusal = status
    at = token_bench(stack, desk)

    assert isinstance(at.outcome(), expected)
    assert at.server.requests == []


REALM = "https://login.example.com/realm"


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (answer(200, "<html>Sign in</html>", Content_Type="text/html"), "200 with a page of HTML"),
        (answer(200, '{"token": "t"}'), "200 with JSON that has no access_token"),
        (answer(200, '{"access_token": ""}'), "200 with JSON that has no access_token"),
        (answer(200, "[1]"), "200 with what is no JSON object"),
        (answer(200, ""), "200 with nothing"),
        (answer(400, '{"error": "invalid_scope"}'), "400 with invalid_scope"),
        (answer(400, '{"error": "s3cret"}'), "400 with JSON that has no access_token"),
        (answer(301, Location=REALM), f"redirects to {REALM}"),
        (answer(302, Location=REALM), f"redirects to {REALM}"),
    ],
)
def test_what_came_in_place_of_a_token_is_said_with_the_key_to_look_at(
    stack: ExitStack, reply: list[bytes], says: str
) -> None:
    tokens = stack.enter_context(scripted_server(lambda _: reply))
    given = {"token_url": tokens.url, "client_id": "me", "client_secret": Secret("s3cret")}
    at = bench(stack, lambda _: answer(201, BOOKED), auth={"oauth2_client_credentials": given})

    outcome = at.outcome()
    with pytest.raises(NotReached) as asked:
        at.adapter.probe("orders", ["000000042"])

    assert isinstance(outcome, Misconfigured)
    for message in (outcome.message, asked.value.message):
        assert says in message
        assert "erp.auth.oauth2_client_credentials.token_url" in message
        assert "erp.url" not in message
        assert "s3cret" not in message
    assert asked.value.lasting
    assert at.server.requests == []


def test_the_token_is_asked_for_with_the_client_s_credentials(stack: ExitStack) -> None:
    asked: list[Received] = []

    def desk(received: Received) -> Iterable[bytes]:
        asked.append(received)
        return answer(200, '{"access_token": "t"}')

    tokens = stack.enter_context(scripted_server(desk))
    settings = {"token_url": tokens.url, "client_id": "me", "client_secret": Secret("s&=ä")}
    bench(stack, lambda _: answer(201, BOOKED), auth={"oauth2_client_credentials": settings}).push()

    assert parse_qs(asked[0].body.decode()) == {
        "grant_type": ["client_credentials"],
        "client_id": ["me"],
        "client_secret": ["s&=ä"],
    }


# TLS


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A self-signed certificate for localhost and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public, private = folder / f"{name}.pem", folder / f"{name}.key"
    public.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return public, private


def server_context(folder: Path, name: str = "localhost") -> tuple[ssl.SSLContext, Path]:
    public, private = certificate(folder, name)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    return context, public


def test_a_certificate_that_is_not_trusted_stops_everything_before_anything_is_sent(
    stack: ExitStack, tmp_path: Path
) -> None:
    context, _ = server_context(tmp_path)
    at = bench(stack, lambda _: answer(201, BOOKED), tls=context)

    outcome = at.outcome()

    assert isinstance(outcome, Misconfigured)
    assert "certificate" in outcome.message
    assert at.server.requests == []


def test_a_certificate_for_another_host_is_not_trusted(stack: ExitStack, tmp_path: Path) -> None:
    context, public = server_context(tmp_path, "elsewhere.example")
    at = bench(stack, lambda _: answer(201, BOOKED), tls=context, tls_files={"ca_file": public})

    assert isinstance(at.outcome(), Misconfigured)
    assert at.server.requests == []


def test_a_certificate_of_the_configured_authority_is_trusted(
    stack: ExitStack, tmp_path: Path
) -> None:
    context, public = server_context(tmp_path)
    at = bench(stack, lambda _: answer(201, BOOKED), tls=context, tls_files={"ca_file": public})

    assert isinstance(at.outcome(), Accepted)


def test_a_client_certificate_is_shown(stack: ExitStack, tmp_path: Path) -> None:
    context, public = server_context(tmp_path)
    mine, key = certificate(tmp_path, "magento")
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(mine)
    files = {"ca_file": public, "client_certificate": mine, "client_key": key}

    at = bench(stack, lambda _: answer(201, BOOKED), tls=context, tls_files=files)

    assert isinstance(at.outcome(), Accepted)


def test_an_answer_that_dribbles_over_tls_ends_at_the_deadline(
    stack: ExitStack, tmp_path: Path
) -> None:
    context, public = server_context(tmp_path)
    files = {"ca_file": public}

    def script(_: Received) -> Iterable[bytes]:
        yield b"HTTP/1.1 201 Created\r\nContent-Length: 10000\r\n\r\n"
        yield from at.server.dribble(b" " * 10_000, 0.02)

    at = bench(stack, script, tls=context, tls_files=files, read_timeout=0.4)

    assert isinstance(at.outcome(), Unknown)


def test_a_certificate_file_that_is_not_there_is_told_at_once(stack: ExitStack) -> None:
    with pytest.raises(ConfigurationError, match=r"erp\.tls\.ca_file: /no/such\.pem"):
        bench(stack, lambda _: None, tls_files={"ca_file": Path("/no/such.pem")})
