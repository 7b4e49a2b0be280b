"""An answer of an OData service as expressions read it, whichever version wrote it.

OData 2 wraps a document in `d`, a list in `d.results`, and hides metadata among the fields; an
error's words stand a level deeper.  SAP's messages, which may say that a document was *not* quite
saved beside a 201, come in a header or among the fields.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from adapters.http.body import Malformed, decode_json, read_body
from adapters.http.transport import Reply
from adapters.language.filters import ExpressionError, Missing
from adapters.language.shape import ANYTHING, Many, Plain, Record, Shape, shape_of
from adapters.rest.call import RESPONSE as REST_RESPONSE
from adapters.rest.call import Response

_TEXT = Plain("text", optional=True)


@dataclass(frozen=True, slots=True)
class Message:
    """What a service says; `severity`: success, info, warning or error; `target`: which field."""

    code: str | None
    message: str | None
    severity: str | None = None
    target: str | None = None


@dataclass(frozen=True, slots=True)
class Error:
    """What a service refuses with, and the messages that led to it."""

    code: str | None
    message: str | None
    details: tuple[Message, ...]


#: What `response` is in an expression.
RESPONSE: Shape = Record(
    "response",
    {
        **(REST_RESPONSE.members if isinstance(REST_RESPONSE, Record) else {}),
        "document": ANYTHING,
        "documents": ANYTHING,
        "next": _TEXT,
        "error": shape_of(Error),
        "messages": Many(shape_of(Message)),
        "codes": Many(Plain("text")),
        "warnings": Plain("text"),
    },
)
#: OData 4 counts how grave a message is.
_SEVERITIES = {1: "success", 2: "info", 3: "warning", 4: "error"}
_GRAVE = ("warning", "error", "abort")
_IN_HEADERS = ("sap-message", "sap-messages")
_IN_DOCUMENT = "SAP__Messages"


class ODataResponse(Response):
    """An answer; each part is read when it is asked for, and is Missing where there is none."""

    def __init__(self, reply: Reply, version: int) -> None:
        super().__init__(reply)
        self._is_2 = version == 2

    @cached_property
    def document(self) -> Mapping[str, Any]:
        """The one document, its lists bare."""
        whole = self._object("document")
        inner = whole.get("d") if self._is_2 else whole
        if not isinstance(inner, Mapping) or "error" in whole or _list_in(inner) is not None:
            raise Missing("the answer has no document")
        document: Mapping[str, Any] = _bare(inner)
        return document

    @cached_property
    def documents(self) -> list[Any]:
        """The documents of a list."""
        whole = self._object("list")
        found = _list_in(whole.get("d")) if self._is_2 else whole.get("value")
        if not isinstance(found, list):
            raise Missing("the answer has no list of documents")
        return [_bare(document) for document in found]

    @property
    def next(self) -> str | None:
        """The link to the next page; None on the last."""
        whole = self._object("list")
        inner = _object(whole.get("d")) if self._is_2 else whole
        link = inner.get("__next" if self._is_2 else "@odata.nextLink")
        if link is not None and not isinstance(link, str):
            raise ExpressionError("the link to the next page is no text")
        return link

    @cached_property
    def error(self) -> Error:
        """What the service refuses with."""
        told = self._object("error").get("error")
        if not isinstance(told, Mapping):
            raise Missing("the answer has no error")
        within = _object(told.get("innererror")).get("errordetails")
        details = told.get("details") or within
        entries = details if isinstance(details, list) else []
        return Error(
            _text(told.get("code")),
            _words(told.get("message")),
            tuple(_message(one) for one in entries if isinstance(one, Mapping)),
        )

    @cached_property
    def messages(self) -> tuple[Message, ...]:
        """What the service has to say beside its answer."""
        return tuple(_message(one) for one in self._told())

    @property
    def codes(self) -> list[str]:
        """The codes of all messages, of those in an error too."""
        told: list[Message | Error] = list(self.messages)
        with suppress(ExpressionError):  # most answers have no error
            told += [self.error, *self.error.details]
        return [one.code for one in told if one.code is not None]

    @property
    def warnings(self) -> str:
        """The words of those messages that are no mere notes, in one text."""
        grave = (one.message for one in self.messages if one.severity in _GRAVE)
        return "; ".join(filter(None, grave))

    def _object(self, wanted: str) -> Mapping[str, Any]:
        body = self.body
        if not isinstance(body, Mapping):
            # Not Missing: of a page of HTML it cannot be said what is not in it.
            raise ExpressionError(f"the answer has no {wanted}: its body is no JSON object")
        return body

    def _told(self) -> Iterator[Mapping[str, Any]]:
        for name in _IN_HEADERS:
            yield from _unfolded(_parsed(self.headers.get(name, "")))
        body = _object(self._body)
        inner = _object(body.get("d")) if self._is_2 else body
        yield from _unfolded(inner.get(_IN_DOCUMENT))


def etag_of(reply: Reply) -> str | None:
    """The version of the document that an answer holds; None where it has none."""
    if told := reply.headers.get("ETag"):
        return told
    try:
        body = read_body(reply.content, reply.headers.get("Content-Type", ""))
    except Malformed:
        return None
    whole = _object(body)
    inner = _object(whole.get("d", whole))
    etag = _object(inner.get("__metadata")).get("etag", inner.get("@odata.etag"))
    return etag if isinstance(etag, str) else None


def _parsed(header: str) -> Any:
    """What a header says; as one message where it is no JSON."""
    if not header.strip():
        return None
    try:
        return decode_json(header.encode())
    except Malformed:
        return {"message": header}


def _unfolded(told: Any) -> Iterator[Mapping[str, Any]]:
    """A message, or a list of them, each followed by those that it holds."""
    for one in told if isinstance(told, list) else [told]:
        if isinstance(one, Mapping):
            yield one
            yield from _unfolded(one.get("details"))


def _message(told: Mapping[str, Any]) -> Message:
    counted = told.get("numericSeverity", told.get("@Common.numericSeverity"))
    severity = _SEVERITIES.get(counted) if isinstance(counted, int) else None
    return Message(
        _text(told.get("code")),
        _words(told.get("message")),
        _text(told.get("severity")) or severity,
        _text(told.get("target")),
    )


def _words(message: Any) -> str | None:
    """OData 2 says in which language it speaks."""
    return _text(message.get("value") if isinstance(message, Mapping) else message)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _list_in(inner: Any) -> list[Any] | None:
    """A list of OData 2, bare or in its shell."""
    found = inner.get("results") if isinstance(inner, Mapping) else inner
    return found if isinstance(found, list) else None


def _bare(value: Any) -> Any:
    """Without shells and metadata; what was not asked for (`__deferred`) is missing, not empty."""
    match value:
        case {"results": list() as entries}:
            return [_bare(entry) for entry in entries]
        case Mapping():
            return {
                name: _bare(inner)
                for name, inner in value.items()
                if name != "__metadata" and "__deferred" not in _object(inner)
            }
        case list():
            return [_bare(entry) for entry in value]
        case _:
            return value


def _object(value: Any) -> Mapping[str, Any]:
    """The object itself, an empty one for what is none."""
    return value if isinstance(value, Mapping) else {}
