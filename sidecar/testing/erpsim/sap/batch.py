"""`$batch` as a server reads and writes it: multipart, and JSON for OData 4."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, unquote

import msgspec

from sidecar.testing.erpsim.sap.errors import MALFORMED, SapError
from sidecar.testing.erpsim.wire import Request, Response

_decode = msgspec.json.Decoder(float_hook=Decimal).decode
_encode = msgspec.json.Encoder(decimal_format="number").encode
_REQUEST_LINE = re.compile(r"([A-Z]+) (\S+) HTTP/1\.1")
_BOUNDARY = "erpsim_batch"
_CHANGE_SET = "erpsim_changeset"


@dataclass(frozen=True)
class Inner:
    """One request of a batch; `id` is what a JSON batch calls it."""

    request: Request
    changes: bool
    id: str = ""


def read_batch(request: Request) -> list[Inner]:
    """The requests, in their order.  Raises SapError for what is none, or a change set of two."""
    content_type = request.headers.get("content-type", "")
    if content_type.startswith("application/json"):
        return list(_of_json(request))
    return [inner for part in _parts(request.body, content_type) for inner in _of_part(part)]


def _of_part(part: tuple[Mapping[str, str], bytes]) -> Iterator[Inner]:
    headers, body = part
    content_type = headers.get("content-type", "")
    if not content_type.startswith("multipart/mixed"):
        yield Inner(_http(body), changes=False)
        return
    inner = list(_parts(body, content_type))
    if len(inner) != 1:
        raise SapError(
            400, MALFORMED, "Cannot process multiple sales orders in single $batch changeset"
        )
    yield Inner(_http(inner[0][1]), changes=True)


def _parts(content: bytes, content_type: str) -> Iterator[tuple[Mapping[str, str], bytes]]:
    match = re.search(r"boundary=([^;\s]+)", content_type)
    if match is None:
        raise SapError(400, MALFORMED, "The batch has no boundary")
    boundary = b"--" + match[1].encode()
    pieces = (b"\r\n" + content).split(b"\r\n" + boundary)
    if len(pieces) < 2 or not pieces[-1].startswith(b"--"):
        raise SapError(400, MALFORMED, "The batch does not end")
    for piece in pieces[1:-1]:
        head, _, body = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        yield _headers(head.decode("latin-1").splitlines()), body


def _headers(lines: Sequence[str]) -> dict[str, str]:
    pairs = (line.partition(":") for line in lines if ":" in line)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _http(content: bytes) -> Request:
    head, _, body = content.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").splitlines()
    match = _REQUEST_LINE.fullmatch(first)
    if match is None:
        raise SapError(400, MALFORMED, "A part of the batch is no request")
    headers = _headers(lines)
    length = int(headers.get("content-length", len(body)))
    return _request(match[1], match[2], headers, body[:length])


def _request(method: str, url: str, headers: Mapping[str, str], body: bytes) -> Request:
    path, _, query = url.partition("?")
    return Request(
        method=method,
        target=url,
        path=f"/{unquote(path).lstrip('/')}",
        query=dict(parse_qsl(query, keep_blank_values=True)),
        headers=headers,
        body=body,
        keep_alive=True,
    )


def _of_json(request: Request) -> Iterator[Inner]:
    sent = _decode(request.body)
    groups: set[Any] = set()
    for one in sent["requests"]:
        group = one.get("atomicityGroup")
        if group is not None and group in groups:
            raise SapError(400, MALFORMED, "Cannot process multiple sales orders in one group")
        groups.add(group)
        headers = {name.lower(): value for name, value in one.get("headers", {}).items()}
        body = _encode(one["body"]) if "body" in one else b""
        inner = _request(one["method"], one["url"], headers, body)
        yield Inner(inner, changes=one["method"] != "GET", id=str(one["id"]))


def write_batch(inner: Sequence[Inner], answers: Sequence[Response], version: int) -> Response:
    """The answers, in the order of the requests; as few as there are."""
    if inner and inner[0].id:
        return _as_json(inner, answers)
    lines = [
        line
        for one, answer in zip(inner, answers, strict=False)
        for line in (f"--{_BOUNDARY}".encode(), *_written(one, answer))
    ]
    body = b"\r\n".join([*lines, f"--{_BOUNDARY}--".encode(), b""])
    status = 202 if version == 2 else 200
    return Response(status, body, content_type=f"multipart/mixed; boundary={_BOUNDARY}")


def _written(inner: Inner, answer: Response) -> list[bytes]:
    """A change set that went well is wrapped; one that failed is its error, bare."""
    http = [b"Content-Type: application/http", b"Content-Transfer-Encoding: binary", b""]
    whole = [*http, answer.head() + answer.body]
    if not inner.changes or answer.status >= 400:
        return whole
    return [
        f"Content-Type: multipart/mixed; boundary={_CHANGE_SET}".encode(),
        b"",
        f"--{_CHANGE_SET}".encode(),
        *whole,
        f"--{_CHANGE_SET}--".encode(),
        b"",
    ]


def _as_json(inner: Sequence[Inner], answers: Sequence[Response]) -> Response:
    responses = [
        {
            "id": one.id,
            "status": answer.status,
            "headers": {"content-type": answer.content_type, **answer.headers},
            **({"body": json.loads(answer.body)} if answer.body else {}),
        }
        for one, answer in zip(inner, answers, strict=False)
    ]
    return Response(200, _encode({"responses": responses}))
