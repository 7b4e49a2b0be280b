"""Magento's REST API over real sockets: what each answer means, and what is done about a login."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import socket
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import msgspec
import pytest

from sidecar.magento.rest.client import ID, NAMES, Address, Credentials, Filter, MagentoRest
from sidecar.magento.rest.errors import (
    LimitExceeded,
    MagentoRefused,
    MagentoUnknown,
    NoSuchEntity,
    NotAuthorised,
)
from sidecar.magento.rest.login import AdminLogin
from sidecar.magento.rest.wire import LARGEST_ANSWER
from sidecar.model.errors import (
    ConfigurationError,
    NotReached,
    NotUnderstood,
    SidecarError,
)
from sidecar.model.secret import Secret
from tests.contract import magento_answers as facts
from tests.contract.magento_answers import page, says, shop
from tests.contract.scripted_server import CLOSE, Received, answer, scripted_server
from tests.contract.test_rest_generic_transport import server_context

SHIP = "order/42/ship"
ANYTHING: msgspec.json.Decoder[Any] = msgspec.json.Decoder()

#: What Magento answered, and what that is to a writing call.
ANSWERS: dict[str, tuple[list[bytes], type[SidecarError], str]] = {
    "a business refusal": (
        says(400, {"message": "You can't create a shipment without products."}),
        MagentoRefused,
        "Magento refuses: You can't create a shipment without products.",
    ),
    "parameters as a list": (
        says(
            400,
            {
                "message": 'We found an invalid quantity to invoice item "%1".',
                "parameters": ["Mug"],
            },
        ),
        MagentoRefused,
        'invoice item "Mug".',
    ),
    "named parameters that come as a list": (
        says(
            400,
            {
                "message": "Invalid attribute %fieldName = %fieldValue.",
                "parameters": ["SKU", "NOPE"],
            },
        ),
        MagentoRefused,
        "Invalid attribute SKU = NOPE.",
    ),
    "errors beside the message": (
        says(
            400,
            {
                "message": 'Validation Failed: "status" should be numeric.',
                "errors": [
                    {"message": '"%field" should be numeric.', "parameters": {"field": "status"}}
                ],
            },
        ),
        MagentoRefused,
        '; "status" should be numeric.',
    ),
    "a limit": (says(400, facts.TOO_MANY_ITEMS), LimitExceeded, "SourceItemInterface"),
    "no token, or no right": (says(401, facts.NO_RIGHT), NotAuthorised, "Magento_Sales::ship"),
    "no entity": (says(404, facts.NO_ENTITY), NoSuchEntity, "doesn't exist"),
    "no entity, with parameters": (
        says(
            404,
            {
                "message": "No such entity with %fieldName = %fieldValue",
                "parameters": {"fieldName": "customerId", "fieldValue": 3},
            },
        ),
        NoSuchEntity,
        "customerId = 3",
    ),
    "no route": (says(404, facts.NO_ROUTE), ConfigurationError, "there is no such route"),
    "a page of another server": (page(404), ConfigurationError, "there is no such route"),
    "a redirection": (
        answer(301, Location="https://u:p@www.example.com/rest?key=abc"),
        ConfigurationError,
        "redirects to https://www.example.com/rest, which",
    ),
    "a fault": (
        says(500, {"message": "Internal Error. Details are available in Magento log file."}),
        MagentoUnknown,
        "HTTP 500: Internal Error",
    ),
    "a fault as text": (
        answer(500, "An error has happened during application run.", Content_Type="text/plain"),
        MagentoUnknown,
        "HTTP 500: an answer that is not Magento's",
    ),
    "maintenance": (page(503), MagentoUnknown, "maintenance mode"),
    "a gateway's time-out": (page(504), MagentoUnknown, "HTTP 504"),
    "a firewall's refusal": (page(403), MagentoUnknown, "HTTP 403"),
    "a web server's refusal": (page(400), MagentoUnknown, "HTTP 400"),
    "a redirection after the deed": (
        answer(302, Location="/done"), MagentoUnknown, "HTTP 302",
    ),
    "too many requests": (page(429), NotReached, "HTTP 429"),
    "200 with a notice of PHP before it": (
        answer(200, '<b>Notice</b>: x\n"20"'), MagentoUnknown, "cannot be read",
    ),
    "200 with nothing": (answer(200, ""), MagentoUnknown, "cannot be read"),
    "200 with half of the JSON": (answer(200, '{"entity'), MagentoUnknown, "cannot be read"),
}  # fmt: skip


def with_routes(given: list[bytes]) -> Any:
    """Magento's answer to everything but the route that no module has."""

    def script(request: Received) -> list[bytes]:
        return says(404, facts.NO_ROUTE) if "no-such-route" in request.target else given

    return script


@pytest.mark.parametrize("case", ANSWERS)
def test_an_answer_is_judged_by_its_status(case: str) -> None:
    given, error, told = ANSWERS[case]
    with shop(with_routes(given)) as (magento, server):
        with pytest.raises(error) as raised:
            magento.post(SHIP, {}, ID)
        assert type(raised.value) is error
        assert told in raised.value.message
        assert [one.target for one in server.requests if "ship" in one.target] == [
            "/rest/all/V1/order/42/ship"
        ]


def test_the_faults_of_one_document_are_reasons_of_their_own() -> None:
    message = (
        "Shipment Document Validation Error(s):\n"
        "The order does not allow a shipment to be created.\n"
        "You can't create a shipment without products."
    )
    with (
        shop(lambda _: says(400, {"message": message})) as (magento, _),
        pytest.raises(MagentoRefused) as raised,
    ):
        magento.post(SHIP, {}, ID)
    assert list(raised.value.reasons) == message.split("\n")


def test_in_a_translated_shop_a_missing_route_is_told_from_a_missing_order() -> None:
    def script(request: Received) -> list[bytes]:
        if request.target.endswith("/orders/7"):
            return says(404, {"message": "Die angeforderte Entität existiert nicht."})
        return says(404, {"message": "Anfrage passt zu keiner Route."})

    with shop(script) as (magento, _):
        with pytest.raises(NoSuchEntity):
            magento.get("orders/7", ANYTHING)
        with pytest.raises(ConfigurationError):
            magento.get("inventory/sources", ANYTHING)


def test_what_a_right_is_called_is_in_the_remedy() -> None:
    with (
        shop(lambda _: says(401, facts.NO_RIGHT)) as (magento, _),
        pytest.raises(NotAuthorised) as raised,
    ):
        magento.post(SHIP, {}, ID)
    assert raised.value.resources == "Magento_Sales::ship"
    assert "Magento_Sales::ship" in raised.value.remedy


def test_a_question_that_is_answered_unreadably_is_not_understood_and_nothing_unknown() -> None:
    with (
        shop(lambda _: page(200, "<html>Sign in</html>")) as (magento, _),
        pytest.raises(NotUnderstood),
    ):
        magento.get("modules", NAMES)


# Lost answers: before, while and after Magento had the call.


def test_what_could_not_be_connected_was_surely_not_done() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    magento = MagentoRest(Address(f"http://127.0.0.1:{port}"), facts.BEARER)
    with pytest.raises(NotReached, match=r"is not reached at http://127\.0\.0\.1"):
        magento.post(SHIP, {}, ID)


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param(None, id="no byte of the answer"),
        pytest.param([b"HTTP/1.1 200 OK\r\nContent-Le", CLOSE], id="half of its head"),
        pytest.param(
            [b'HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n"20"', CLOSE], id="a part of its body"
        ),
        pytest.param(
            [b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n"20"\r\n', CLOSE],
            id="chunks without an end",
        ),
        pytest.param([b"what is this\r\n\r\n", CLOSE], id="no HTTP"),
    ],
)
def test_an_answer_that_breaks_off_leaves_the_call_unknown_and_it_is_not_sent_again(
    pieces: list[bytes] | None,
) -> None:
    with shop(lambda _: pieces) as (magento, server):
        with pytest.raises(MagentoUnknown, match="POST order/42/ship: "):
            magento.post(SHIP, {}, ID)
        assert len(server.requests) == 1


@pytest.mark.parametrize("whole", ["head", "body"])
def test_a_shop_that_dribbles_has_one_time_for_the_whole_answer(whole: str) -> None:
    end = threading.Event()

    def script(_: Received) -> Any:
        yield b"HTTP/1.1 200 OK\r\n"
        yield b"X-Slow: " if whole == "head" else b"Content-Length: 4000\r\n\r\n"
        while not end.wait(0.02):
            yield b"1"

    with shop(script, read=0.4) as (magento, _):
        before = time.monotonic()
        with pytest.raises(MagentoUnknown, match=r"no complete answer within 0\.4 s"):
            magento.post(SHIP, {}, ID)
        assert time.monotonic() - before < 3
        end.set()


def test_an_answer_has_a_largest_size() -> None:
    megabyte = b" " * 2**20

    def script(_: Received) -> Any:
        yield b"HTTP/1.1 200 OK\r\n\r\n"
        for _megabyte in range(LARGEST_ANSWER // len(megabyte) + 1):
            yield megabyte
        yield CLOSE

    with (
        shop(script) as (magento, _),
        pytest.raises(MagentoUnknown, match="larger than 16 MiB"),
    ):
        magento.post(SHIP, {}, ID)


def test_a_certificate_that_is_not_trusted_ends_the_call_before_the_login_is_sent(
    tmp_path: Path,
) -> None:
    tls, issued = server_context(tmp_path)
    with scripted_server(lambda _: says(200, "20"), tls) as server:
        url = server.url.removesuffix("/api")
        with pytest.raises(NotReached) as raised:
            MagentoRest(Address(url), facts.BEARER).post(SHIP, {}, ID)
        assert raised.value.lasting
        trusting = MagentoRest(Address(url, ca_file=issued), facts.BEARER)
        assert trusting.post(SHIP, {}, ID) == 20
    assert len(server.requests) == 1


def test_no_proxy_of_the_environment_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with shop(lambda _: says(200, "20")) as (magento, _):
        assert magento.post(SHIP, {}, ID) == 20


# The address and the login of a call.


def test_the_store_stands_in_the_address_below_the_path_of_the_shop() -> None:
    with shop(lambda _: says(200, [])) as (magento, server):
        magento.get("modules", NAMES)
    assert server.requests[0].target == "/rest/all/V1/modules"
    with shop(lambda _: says(200, []), path="/m2/") as (magento, server):
        magento.get("modules", NAMES)
    assert server.requests[0].target == "/m2/rest/all/V1/modules"
    assert server.requests[0].header("Content-Type") == "application/json"
    assert server.requests[0].header("Accept") == "application/json"


def test_an_integration_signs_each_call_with_a_nonce_of_its_own() -> None:
    with shop(lambda _: says(200, []), facts.INTEGRATION) as (magento, server):
        magento.get("modules", NAMES)
        magento.get("modules", NAMES)
    headers = [one.header("Authorization") or "" for one in server.requests]
    nonces = {found[1] for one in headers if (found := re.search('oauth_nonce="([^"]+)"', one))}
    assert len(nonces) == 2
    assert all(one.startswith("OAuth ") for one in headers)


@pytest.mark.parametrize(
    ("ahead", "error"), [(timedelta(minutes=20), NotAuthorised), (timedelta(), MagentoRefused)]
)
def test_a_signature_from_the_future_is_no_fault_of_the_document(
    ahead: timedelta, error: type[SidecarError]
) -> None:
    shops = format_datetime(datetime.now(UTC) - ahead, usegmt=True)
    body = json.dumps({"message": "The timestamp value is invalid."})
    with (
        shop(lambda _: answer(400, body, Date=shops), facts.INTEGRATION) as (magento, _),
        pytest.raises(error),
    ):
        magento.post(SHIP, {}, ID)


def magento_verifies(request: Received, host: str) -> bool:
    """As Magento's PHP does: header and query decoded, sorted, signed again without the port."""

    def rawurlencode(text: str) -> str:
        return quote(text, safe="")

    header = request.header("Authorization") or ""
    told = dict(re.findall(r'(oauth_\w+)="([^"]*)"', header.removeprefix("OAuth ")))
    parameters = {name: unquote(value) for name, value in told.items()}
    given = parameters.pop("oauth_signature")
    path, _, query = request.target.partition("?")
    for pair in filter(None, query.split("&")):
        name, _, value = pair.partition("=")
        parameters[unquote(name)] = unquote(value)
    encoded = {rawurlencode(name): rawurlencode(value) for name, value in parameters.items()}
    pairs = "&".join(f"{name}={encoded[name]}" for name in sorted(encoded))
    method = request.head.split(" ")[0]
    base = "&".join(map(rawurlencode, (method, f"http://{host}{path}", pairs)))
    key = f"{rawurlencode('c0nsumer/secret+=')}&{rawurlencode('acce55&token secret')}"
    digest = hmac.new(key.encode(), base.encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode() == given


def test_what_arrives_is_what_was_signed() -> None:
    with shop(lambda _: says(200, {"items": [], "total_count": 0}), facts.INTEGRATION) as (
        magento,
        server,
    ):
        filters = (Filter("sku", "a b+c/d,ä~=&é", "in"), Filter("source_code", "default"))
        magento.search("inventory/source-items", ANYTHING, filters, "sku,quantity")
    assert magento_verifies(server.requests[0], "localhost")


def token_shop(
    tokens: list[str], *, refusing: tuple[str, ...] = (), lock: threading.Barrier | None = None
) -> Any:
    """An admin's tokens in turn; calls with one of `refusing` are not authorised."""

    def script(request: Received) -> list[bytes]:
        if request.target.endswith("/integration/admin/token"):
            return says(200, tokens.pop(0))
        bearer = (request.header("Authorization") or "").removeprefix("Bearer ")
        return says(401, facts.NO_RIGHT) if bearer in refusing else says(200, "20")

    return script


def logins(requests: list[Received]) -> int:
    return sum(one.target == "/rest/V1/integration/admin/token" for one in requests)


def test_the_token_of_an_admin_is_fetched_once_by_all_threads() -> None:
    with shop(token_shop(["first", "second"]), facts.ADMIN) as (magento, server):
        begin = threading.Barrier(8)
        made: list[int] = []

        def call() -> None:
            begin.wait()
            made.append(magento.post(SHIP, {}, ID))

        threads = [threading.Thread(target=call) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert made == [20] * 8
    assert logins(server.requests) == 1
    assert b'"username":"sidecar"' in server.requests[0].body


def test_a_token_that_has_expired_is_fetched_anew_and_the_call_made_once_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    script = token_shop(["first", "second"], refusing=("first",))
    with shop(script, facts.ADMIN) as (magento, server):
        login = magento._login
        assert isinstance(login, AdminLogin)
        monkeypatch.setattr(login, "_clock", iter([0.0, 3600.0, 3600.0]).__next__)
        assert magento.post(SHIP, {}, ID) == 20
    assert logins(server.requests) == 2


def test_a_right_that_is_missing_does_not_log_in_again_and_again() -> None:
    script = token_shop(["first", "second"], refusing=("first", "second"))
    with shop(script, facts.ADMIN) as (magento, server):
        for _ in range(3):
            with pytest.raises(NotAuthorised):
                magento.post(SHIP, {}, ID)
    assert logins(server.requests) == 1


def test_a_login_that_is_refused_is_told_as_such() -> None:
    message = (
        "The account sign-in was incorrect or your account is disabled temporarily. "
        "Please wait and try again later."
    )
    with (
        shop(lambda _: says(401, {"message": message}), facts.ADMIN) as (magento, _),
        pytest.raises(NotAuthorised, match="sign-in was incorrect"),
    ):
        magento.post(SHIP, {}, ID)


def test_a_token_whose_answer_is_lost_leaves_nothing_unknown() -> None:
    with shop(lambda _: None, facts.ADMIN) as (magento, server):
        with pytest.raises(NotReached, match="no access token"):
            magento.post(SHIP, {}, ID)
        assert len(server.requests) == 1


@pytest.mark.parametrize("credentials", [facts.BEARER, facts.ADMIN, facts.INTEGRATION])
def test_no_secret_comes_back_in_a_message(credentials: Any) -> None:
    secrets = [facts.TOKEN, facts.PASSWORD, "the-admins-token"]
    secrets += [getattr(facts.KEYS, name).reveal() for name in facts.KEYS.__slots__]
    said: list[str] = []

    def script(request: Received) -> list[bytes]:
        if request.target.endswith("/token"):
            return says(200, "the-admins-token")
        # A proxy that tells the whole request back.
        echo = f"{unquote(request.head)} {' '.join(secrets)}"
        status = request.target.rpartition("/")[2]
        return says(int(status) if status.isdigit() else 404, {"message": echo})

    with shop(script, credentials) as (magento, _):
        for status in (400, 401, 404, 429, 500, 503):
            with pytest.raises(SidecarError) as raised:
                magento.post(f"{SHIP}/{status}", {}, ID)
            said += [str(raised.value), repr(raised.value), repr(raised.value.__cause__)]
        said += [repr(magento), repr(credentials)]
    used = {
        id(facts.BEARER): secrets[:1],
        id(facts.ADMIN): secrets[1:3],
        id(facts.INTEGRATION): secrets[3:],
    }[id(credentials)]
    assert [secret for secret in used if any(secret in text for text in said)] == []


def test_a_token_that_no_header_can_carry_is_refused_without_being_told() -> None:
    with pytest.raises(ConfigurationError) as raised:
        MagentoRest(Address("https://x.example"), Credentials(token=Secret("t0ken\u20ac")))
    assert "t0ken" not in str(raised.value)


# Searches.


def in_pages(rows: list[dict[str, int]], most: int) -> Any:
    """Magento's pages of a list, none larger than `most`."""

    def script(request: Received) -> list[bytes]:
        query = unquote(request.target)
        size = int(re.findall(r"pageSize]=(\d+)", query)[0])
        number = int(re.findall(r"currentPage]=(\d+)", query)[0])
        if size > most:
            return says(400, facts.PAGE_TOO_LARGE)
        found = rows[(number - 1) * size : number * size]
        return says(200, {"items": found or None, "total_count": len(rows)})

    return script


@pytest.mark.parametrize("count", [0, 1, 50, 51, 120])
def test_a_search_takes_the_page_that_magento_allows_and_remembers_it(count: int) -> None:
    rows = [{"entity_id": number} for number in range(count)]
    with shop(in_pages(rows, 50)) as (magento, server):
        assert magento.search("shipments", ANYTHING, (Filter("order_id", "42"),)) == rows
        asked = len(server.requests)
        assert magento.limits.page == 50
        assert magento.search("shipments", ANYTHING, ()) == rows
        assert len(server.requests) == 2 * asked - 1


def test_a_search_that_tells_less_than_it_counts_is_not_believed() -> None:
    with (
        shop(lambda _: says(200, {"items": None, "total_count": 376})) as (magento, _),
        pytest.raises(NotUnderstood),
    ):
        magento.search("orders", ANYTHING, ())
