"""Several requests in one: `$batch`, in multipart and in JSON.

Each request is a change set of its own, so that it succeeds or fails alone: SAP takes one order in
a change set and no more.  In multipart an answer belongs to the request at its place; in JSON it
names it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from secrets import token_hex
from typing import Any

from adapters.calls.declared import Part
from adapters.http.body import Malformed, decode_json, encode_json
from adapters.http.headers import headers_of
from adapters.http.transport import Reply, Request
from adapters.language.filters import ExpressionError
from adapters.odata.service import ODataRequest, Service, addressed

#: The envelope was opened; OData 2 says that it accepted it, OData 4 that all is well.
_OPENED = (HTTPStatus.OK, HTTPStatus.ACCEPTED)
#: OData 4 stops at the first request that fails, unless it is told to go on.
_GO_ON = {"Prefer": "odata.continue-on-error"}
_STATUS_LINE = re.compile(rb"HTTP/\d(?:\.\d)? (\d{3})(?: [^\r\n]*)?")
_BOUNDARY = re.compile(r'boundary=(?:"([^"]+)"|([^;\s]+))', re.IGNORECASE)


def sealed(service: Service, requests: Sequence[Request]) -> ODataRequest:
    """The requests in one."""
    write = _as_json if service.json_batch else _as_multipart
    content_type, body = write(service, requests)
    further = _GO_ON if service.version == 4 else {}
    accept = "application/json" if service.json_batch else "multipart/mixed"
    return ODataRequest(
        "POST",
        addressed(f"{service.path}/$batch", service.parameters),
        (),
        {**service.headers, **further, "Accept": accept, "Content-Type": content_type},
        body,
        f"POST {service.path}/$batch",
        service=service,
        parts=len(requests),
    )


def opened(reply: Reply) -> list[Part | None] | None:
    """The answers to its requests by their places, None to one that nothing is said of.

    None instead: the envelope was refused.  Raises ExpressionError for an answer that cannot be
    read, or has more in it than was asked.
    """
    envelope = reply.request
    if not isinstance(envelope, ODataRequest):
        raise TypeError("no request of OData")
    service, count = envelope.service, envelope.parts
    if reply.status not in _OPENED:
        return None
    if service.json_batch:
        return _of_json(reply.content, count)
    parts = list(_of_multipart(reply.content, reply.headers.get("Content-Type", "")))
    if len(parts) > count:
        raise ExpressionError(f"{len(parts)} answers to {count} requests")
    return [*parts, *[None] * (count - len(parts))]


def _address(service: Service, request: Request) -> str:
    """As it stands in an envelope: seen from the service's root."""
    return request.path.removeprefix(f"{service.path}/")


# --- multipart ------------------------------------------------------------------------------


def _as_multipart(service: Service, requests: Sequence[Request]) -> tuple[str, bytes]:
    batch = f"batch_{token_hex(12)}"
    lines: list[bytes] = []
    for index, request in enumerate(requests, start=1):
        change_set = f"changeset_{token_hex(12)}"
        lines += [
            f"--{batch}".encode(),
            f"Content-Type: multipart/mixed; boundary={change_set}".encode(),
            b"",
            f"--{change_set}".encode(),
            b"Content-Type: application/http",
            b"Content-Transfer-Encoding: binary",
            f"Content-ID: {index}".encode(),
            b"",
            _written(service, request),
            f"--{change_set}--".encode(),
        ]
    return f"multipart/mixed; boundary={batch}", b"\r\n".join(
        [*lines, f"--{batch}--".encode(), b""]
    )


def _written(service: Service, request: Request) -> bytes:
    """One request as HTTP writes it."""
    body = request.body or b""
    headers = {**request.headers, "Content-Length": str(len(body))}
    head = [f"{request.method} {_address(service, request)} HTTP/1.1"]
    head += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*head, "", ""]).encode() + body


def _of_multipart(content: bytes, content_type: str) -> Iterator[Part]:
    """The answers, in their order; a change set that went well is one of its own inside."""
    for headers, body in _entities(content, content_type):
        inner = headers.get("Content-Type", "")
        if not inner.lower().startswith("multipart/mixed"):
            yield _read(body)
            continue
        answers = list(_entities(body, inner))
        if len(answers) != 1:
            raise ExpressionError(f"a change set of one request has {len(answers)} answers")
        yield _read(answers[0][1])


def _entities(content: bytes, content_type: str) -> Iterator[tuple[Mapping[str, str], bytes]]:
    """What stands between the boundaries, with its headers.  Raises ExpressionError."""
    match = _BOUNDARY.search(content_type)
    if match is None:
        raise ExpressionError("the answer is no multipart")
    boundary = re.escape((match[1] or match[2]).encode())
    pieces = re.split(rb"(?:^|\r?\n)--" + boundary + rb"(--)?[ \t]*(?=\r?\n|$)", content)
    if len(pieces) < 3 or pieces[-2] != b"--":
        raise ExpressionError("the answer ends before its last boundary")
    for piece in pieces[2:-2:2]:
        yield _split(piece.lstrip(b"\r\n"))


def _split(entity: bytes) -> tuple[Mapping[str, str], bytes]:
    """Headers and what follows them."""
    head, found, body = entity.partition(b"\r\n\r\n")
    if not found:
        head, found, body = entity.partition(b"\n\n")
    return _headers(head.splitlines()), body


def _read(message: bytes) -> Part:
    """One answer as HTTP writes it.  Raises ExpressionError."""
    message = message.lstrip(b"\r\n")
    line, _, rest = message.partition(b"\n")
    match = _STATUS_LINE.fullmatch(line.rstrip(b"\r"))
    if match is None:
        raise ExpressionError("a part of the answer is no answer")
    # Without a header the blank line follows at once.
    headers, body = _split(b"\r\n" + rest if rest.startswith((b"\r\n", b"\n")) else rest)
    return Part(int(match[1]), headers, body.rstrip(b"\r\n"))


def _headers(lines: Sequence[bytes]) -> Mapping[str, str]:
    pairs = (line.decode("latin-1").partition(":") for line in lines if b":" in line)
    return headers_of((name.strip(), value.strip()) for name, _, value in pairs)


# --- JSON -----------------------------------------------------------------------------------


def _as_json(service: Service, requests: Sequence[Request]) -> tuple[str, bytes]:
    entries = [_entry(service, index, request) for index, request in enumerate(requests, start=1)]
    return "application/json", encode_json({"requests": entries})


def _entry(service: Service, index: int, request: Request) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "id": str(index),
        "atomicityGroup": f"g{index}",
        "method": request.method,
        "url": _address(service, request),
        "headers": dict(request.headers),
    }
    if request.body is not None:
        entry["body"] = decode_json(request.body)
    return entry


def _of_json(content: bytes, count: int) -> list[Part | None]:
    try:
        told = decode_json(content)
    except Malformed as error:
        raise ExpressionError(str(error)) from error
    answers = told.get("responses") if isinstance(told, Mapping) else None
    if not isinstance(answers, list):
        raise ExpressionError("the answer has no list of responses")
    by_id: dict[str, Part] = {}
    for answer in answers:
        name = answer.get("id") if isinstance(answer, Mapping) else None
        if name in by_id:
            raise ExpressionError("two answers name the same request")
        by_id[str(name)] = _part(answer)
    places = [str(index) for index in range(1, count + 1)]
    if by_id.keys() - set(places):
        raise ExpressionError("an answer names no request that was sent")
    return [by_id.get(place) for place in places]


def _part(answer: Any) -> Part:
    status = answer.get("status") if isinstance(answer, Mapping) else None
    if not isinstance(status, int):
        raise ExpressionError("a response has no status")
    headers = answer.get("headers")
    told = headers if isinstance(headers, Mapping) else {}
    body = answer.get("body")
    return Part(
        status,
        headers_of((str(name), str(value)) for name, value in told.items()),
        b"" if body is None else encode_json(body),
    )
