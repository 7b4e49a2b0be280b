"""`$batch`: what goes into an envelope, and which answer belongs to which request."""

from __future__ import annotations

import json

import pytest

from adapters.http.transport import Reply
from adapters.language.filters import ExpressionError
from adapters.odata.batch import opened, sealed
from adapters.odata.service import ODataRequest, Service
from sidecar.ports import Exchange
from sidecar.testing.erpsim.sap.batch import read_batch
from sidecar.testing.erpsim.wire import Request as Received

V2 = Service("/sap/SRV", 2, parameters=(("sap-client", "100"),))
V4 = Service("/sap4/SRV", 4)
V4_JSON = Service("/sap4/SRV", 4, json_batch=True)
ANSWERED = "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"


def orders(service: Service, count: int) -> list[ODataRequest]:
    return [
        ODataRequest(
            "POST",
            f"{service.path}/A_SalesOrder?sap-client=100",
            headers={"Content-Type": "application/json"},
            body=json.dumps({"Ref": f"Größe {n}\r\n--batch"}).encode(),
            service=service,
        )
        for n in range(count)
    ]


def answered(service: Service, count: int, body: str, content_type: str = "") -> Reply:
    envelope = sealed(service, orders(service, count))
    headers = {"Content-Type": content_type or "multipart/mixed; boundary=b"}
    told = Exchange(str(envelope), 202, 0.1)
    return Reply(202 if service.version == 2 else 200, headers, body.encode(), told, envelope)


def part(status: int, body: str) -> str:
    return f"{ANSWERED}HTTP/1.1 {status} Whatever\r\nContent-Length: {len(body)}\r\n\r\n{body}"


def change_set(status: int, body: str, boundary: str = "c") -> str:
    inner = f"--{boundary}\r\n{part(status, body)}\r\n--{boundary}--\r\n"
    return f"Content-Type: multipart/mixed; boundary={boundary}\r\n\r\n{inner}"


def multipart(*parts: str, end: str = "--b--\r\n") -> str:
    return "".join(f"--b\r\n{one}\r\n" for one in parts) + end


@pytest.mark.parametrize("service", [V2, V4, V4_JSON], ids=["2", "4", "4-json"])
def test_each_request_is_a_change_set_of_its_own_and_arrives_as_it_was(service: Service) -> None:
    requests = orders(service, 3)

    envelope = sealed(service, requests)

    assert envelope.path.startswith(f"{service.path}/$batch")
    headers = {name.lower(): value for name, value in envelope.headers.items()}
    received = read_batch(Received("POST", "", "", {}, headers, envelope.body or b"", True))
    assert [one.request.path for one in received] == ["/A_SalesOrder"] * 3
    assert [one.changes for one in received] == [True] * 3
    assert [json.loads(one.request.body) for one in received] == [
        json.loads(request.body or b"") for request in requests
    ]


def test_what_holds_for_every_call_holds_for_the_envelope() -> None:
    assert sealed(V2, orders(V2, 1)).path == "/sap/SRV/$batch?sap-client=100"
    assert sealed(V4, orders(V4, 1)).headers["Prefer"] == "odata.continue-on-error"


def test_a_change_set_that_went_well_is_wrapped_and_one_that_failed_is_bare() -> None:
    body = multipart(change_set(201, '{"n": 1}'), part(400, '{"error": {}}'), change_set(201, "3"))

    parts = opened(answered(V2, 3, body))

    assert parts is not None
    assert [(one.status, one.content) for one in parts if one] == [
        (201, b'{"n": 1}'),
        (400, b'{"error": {}}'),
        (201, b"3"),
    ]


def test_a_server_that_ends_its_lines_with_a_line_feed_alone_is_read() -> None:
    body = multipart(change_set(201, "1"), part(204, "")).replace("\r\n", "\n")

    parts = opened(answered(V2, 2, body))

    assert parts is not None
    assert [(one.status, one.content) for one in parts if one] == [(201, b"1"), (204, b"")]


def test_the_headers_of_a_part_are_found_in_any_case() -> None:
    told = f"{ANSWERED}HTTP/1.1 429 Whatever\r\nretry-after: 7\r\n\r\n"

    parts = opened(answered(V2, 1, multipart(told)))

    assert parts is not None
    assert parts[0] is not None
    assert parts[0].headers["Retry-After"] == "7"


def test_of_what_a_server_stopped_at_nothing_is_known() -> None:
    parts = opened(answered(V4, 3, multipart(change_set(201, "1"), part(400, "2"))))

    assert parts is not None
    assert [one and one.status for one in parts] == [201, 400, None]


@pytest.mark.parametrize(
    ("count", "body"),
    [
        (1, multipart(change_set(201, "1"), change_set(201, "2"))),
        (2, multipart(change_set(201, "1"), change_set(201, "2"), end="")),
        (2, multipart(change_set(201, "1"), end="")[:-20]),
        (1, multipart("Content-Type: application/http\r\n\r\nno answer")),
        (1, "<html>restarting</html>"),
        (1, ""),
    ],
    ids=["one too many", "no end", "cut", "no status", "a page", "empty"],
)
def test_an_envelope_that_cannot_be_read_is_no_answer_to_anything(count: int, body: str) -> None:
    with pytest.raises(ExpressionError):
        opened(answered(V2, count, body))


def test_a_page_is_no_envelope() -> None:
    with pytest.raises(ExpressionError, match="no multipart"):
        opened(answered(V2, 1, "<html></html>", "text/html"))


def test_an_envelope_that_was_refused_was_not_opened() -> None:
    envelope = sealed(V2, orders(V2, 2))

    assert opened(Reply(403, {}, b"", Exchange("", 403, 0.1), envelope)) is None


def test_in_json_an_answer_names_its_request() -> None:
    body = json.dumps(
        {"responses": [{"id": "3", "status": 400, "body": {}}, {"id": "1", "status": 201}]}
    )

    parts = opened(answered(V4_JSON, 3, body, "application/json"))

    assert parts is not None
    assert [one and one.status for one in parts] == [201, None, 400]


@pytest.mark.parametrize(
    "responses",
    [
        [{"id": "1", "status": 201}, {"id": "1", "status": 201}],
        [{"id": "9", "status": 201}],
        [{"id": "1", "status": "201"}],
        ["1"],
    ],
    ids=["twice", "nobody's", "no status", "no object"],
)
def test_in_json_two_answers_to_one_are_none(responses: object) -> None:
    body = json.dumps({"responses": responses})

    with pytest.raises(ExpressionError):
        opened(answered(V4_JSON, 2, body, "application/json"))
