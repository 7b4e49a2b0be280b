"""The `call` section of a REST calls file: a template of one HTTP request, and its answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar
from urllib.parse import unquote

from adapters.calls.answer import Evidence
from adapters.calls.section import Section
from adapters.http.body import Malformed, encode_json, indented, read_body
from adapters.http.charset import charset_of
from adapters.http.form import encode_form
from adapters.http.gateway import gateways_word
from adapters.http.transport import Reply, Request, retry_after
from adapters.http.xml import NotAccepted, parse_strictly
from adapters.language.filters import ExpressionError, as_text, kind
from adapters.language.nodes import XML, Answer, Unreadable
from adapters.language.scope import Scope, Values
from adapters.language.shape import ANYTHING, Plain, Record, Shape
from adapters.language.template import ANY, NAMED, NOTHING, ONE, PAIRS, Template

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD")
#: What `response` is in an expression.
RESPONSE: Shape = Record(
    "response",
    {"status": Plain("whole number"), "headers": ANYTHING, "body": ANYTHING, "xml": XML},
)
#: The body as it is sent, which a signature in `headers` or `query` is made of.
_BODY = "body"

_Part = TypeVar("_Part")

_UNSAFE_PATH = re.compile(r"[?#\\\s\x00-\x1f\x7f]")
_UNSAFE_HEADER = re.compile(r"[\x00-\x1f\x7f]")
_SUCCESS = range(200, 300)
_REFUSALS = range(400, 500)


@dataclass(frozen=True, slots=True)
class HttpCall:
    """One request as the file declares it."""

    method: str
    path: Template
    query: Template
    headers: Template
    encode: Callable[[Any], bytes]
    body: Template | None
    content_type: str
    #: Where each key stands in the file.
    places: Mapping[str, str]

    def request(self, values: Values) -> Request:
        """Fill it in.  Raises ExpressionError: nothing was sent then."""
        path = self._at("path", lambda: _safe(as_text(self.path(values))))
        body = self._at("body", lambda: self._encoded(values))
        sent = {**values, _BODY: (body or b"").decode()}
        headers = self._at("headers", lambda: _headers(self.headers(sent)))
        query = self._at("query", lambda: _parameters(self.query(sent)))
        if body is not None and "content-type" not in map(str.lower, headers):
            headers["Content-Type"] = self.content_type
        return Request(self.method, path, query, headers, body)

    def response(self, reply: Reply) -> tuple[Response, Evidence]:
        """See `adapters.calls.wire_call.WireCall`."""
        response = Response(reply)
        return response, response.evidence(reply)

    def disarmed(self, request: Request) -> Request:
        """See `adapters.calls.wire_call.WireCall`; secrets are struck out by the transport."""
        return request

    def shown(self, body: bytes) -> str:
        """See `adapters.calls.wire_call.WireCall`."""
        return indented(body) if self.encode is encode_json else body.decode()

    def _encoded(self, values: Values) -> bytes | None:
        content = NOTHING if self.body is None else self.body(values)
        try:
            return None if content is NOTHING else self.encode(content)
        except UnicodeError:
            raise ExpressionError("the body has characters that no text has") from None

    def _at(self, key: str, fill: Callable[[], _Part]) -> _Part:
        """What is filled in there; an error says where, once."""
        try:
            return fill()
        except ExpressionError as error:
            place = self.places[key]
            # A leaf of a template has told its own, nearer place.
            if error.message.startswith(f"{place.partition(':')[0]}:"):
                raise
            raise type(error)(f"{place}: {error.message}") from error


class Response:
    """An answer as expressions read it."""

    def __init__(self, reply: Reply) -> None:
        self.status = reply.status
        self.headers = reply.headers
        self.malformed = ""
        self._content = reply.content
        self._content_type = reply.headers.get("Content-Type", "")
        self._body: Any = None
        try:
            self._body = read_body(self._content, self._content_type)
        except Malformed as error:
            self.malformed = str(error)

    @property
    def body(self) -> Any:
        """Parsed JSON, else the text.

        Raises ExpressionError for JSON that is broken: not Missing, so that nothing can be said of
        it, not even that something is not in it.
        """
        if self.malformed:
            raise ExpressionError(self.malformed)
        return self._body

    @cached_property
    def xml(self) -> Answer:
        """The nodes of a body that is XML.

        Raises Unreadable for any other, and for a page: that a page has no order in it is not that
        the ERP has none.
        """
        try:
            root = parse_strictly(self._content, charset_of(self._content_type))
        except NotAccepted as error:
            raise Unreadable(f"the body {error}") from None
        if root.tag.rpartition("}")[2].lower() == "html":
            raise Unreadable("the body is a page of HTML")
        return Answer(root)

    def evidence(self, reply: Reply) -> Evidence:
        """What an outcome says of this answer."""
        return Evidence(
            summary=f"HTTP {self.status}",
            excerpt=reply.exchange.answer,
            after=retry_after(self.headers),
            unreadable=self.malformed if self.status in _SUCCESS else "",
            stranger=gateways_word(self.status),
            wordless=self._wordless(),
            page="it is a page of HTML" if reply.is_page and self.status in _SUCCESS else "",
        )

    def _wordless(self) -> str:
        """Why a line that looks at the status alone must not say that nothing was booked.

        A status of 4xx says it by itself, whoever answered.
        """
        if self.status in _REFUSALS or isinstance(self._body, dict | list):
            return ""
        return self.malformed or "the body is not what an interface of JSON answers"


def read_http_call(section: Section, scope: Scope) -> HttpCall:
    """Read a `call` section; problems are noted in its source."""
    section.keys(("method", "path", "query", "headers", *_BODIES), ("method", "path"))
    kinds = [kind for kind in _BODIES if kind in section]
    if len(kinds) > 1:
        section.problem(kinds[1], f"a call has one body; there is '{kinds[0]}' already")
    encode, content_type = _BODIES[kinds[0]] if kinds else _BODIES["json"]
    sent = scope.with_names(**{_BODY: Plain("text")}) if kinds else scope
    return HttpCall(
        method=section.word("method", METHODS) or "GET",
        path=section.template("path", scope.of_an_address(), ONE) or _nothing,
        query=section.template("query", sent.of_an_address(), PAIRS) or _nothing,
        headers=section.template("headers", sent, PAIRS) or _nothing,
        encode=encode,
        body=section.template(kinds[0], scope, _FORMS[kinds[0]]) if kinds else None,
        content_type=content_type,
        places={
            name: section.source.place((*section.path, key))
            for name, key in (
                ("path", "path"),
                ("headers", "headers"),
                ("query", "query"),
                ("body", kinds[0] if kinds else "json"),
            )
        },
    )


def _nothing(_: Values) -> dict[str, Any]:
    return {}


def _safe(path: str) -> str:
    if not _is_safe(path):
        # An empty or foreign part would address another document: /orders//cancel.
        raise ExpressionError(
            f"'{path}' is no safe path: it begins with /, has no empty part and no ? or #; "
            "parameters belong under query, and | urlencode makes a value safe"
        )
    return path


def _is_safe(path: str) -> bool:
    first, *parts = path.split("/")
    inner = parts[:-1] if parts and not parts[-1] else parts
    return (
        not first
        and bool(parts)
        and not _UNSAFE_PATH.search(path)
        and all(unquote(part) not in ("", ".", "..") for part in inner)
    )


def _parameters(rendered: Any) -> tuple[tuple[str, str], ...]:
    """An empty value is left out, a list is the same parameter several times."""
    if not isinstance(rendered, Mapping):
        raise ExpressionError(f"{kind(rendered)} is no mapping of names to values")
    pairs = (
        (name, entry)
        for name, value in rendered.items()
        for entry in (value if isinstance(value, list | tuple) else (value,))
    )
    return tuple((name, as_text(value)) for name, value in pairs if value is not None)


def _headers(rendered: Mapping[str, Any]) -> dict[str, str]:
    if not isinstance(rendered, Mapping):
        raise ExpressionError(f"headers: {kind(rendered)} is no mapping of names to values")
    headers = {name: as_text(value) for name, value in rendered.items() if value is not None}
    for name, value in headers.items():
        if _UNSAFE_HEADER.search(value) or not _is_latin1(value):
            raise ExpressionError(f"header {name}: has characters that a header cannot carry")
    return headers


def _is_latin1(text: str) -> bool:
    return all(ord(character) < 256 for character in text)


def _text(rendered: Any) -> bytes:
    return as_text(rendered).encode()


_FORMS = {"json": ANY, "form": NAMED, "text": ONE}
_BODIES: Mapping[str, tuple[Callable[[Any], bytes], str]] = {
    "json": (encode_json, "application/json"),
    "form": (encode_form, "application/x-www-form-urlencoded"),
    "text": (_text, "text/plain; charset=utf-8"),
}
