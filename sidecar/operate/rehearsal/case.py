"""The file of cases beside a file of calls (docs/mapping-tests.md), read and checked."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from sidecar.documents import Document, read_document
from sidecar.model.domain_spec import DomainSpec
from sidecar.model.errors import BadData, ConfigurationError
from sidecar.model.event import Event, decode_payload, schema_urn, source_of
from sidecar.operate.rehearsal.payload import FrozenPayloadError, raw_payload
from sidecar.ports import Delivery, Link, Parent, ShopContext, WireAnswer

REMEDY = "correct the file of cases (docs/mapping-tests.md)"
_EVENT = ("type", "id", "subject", "sequence", "time", "ref", "posting_date", "link",
          "payload", "parent", "parent_link")  # fmt: skip
_JSON = msgspec.json.Encoder(decimal_format="number")


@dataclass(frozen=True, slots=True)
class Head:
    """How the adapter of the cases is made: what the configuration would say of it.

    `wsdl`: a file; `auth`: the way of logging in that stands in each call itself and not around it;
    `secrets`: their names alone.
    """

    adapter: str
    shop: ShopContext
    wsdl: Path | None = None
    auth: str | None = None
    secrets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ExpectedCall:
    """A call that is to be made, and what is answered to it (None: nothing, the case ends)."""

    request: str
    headers: Mapping[str, str]
    body: Any
    answer: WireAnswer | None


@dataclass(frozen=True, slots=True)
class Case:
    """`tree`: as it stands in the file; `comes_to` None: whatever the answers come to."""

    name: str
    tree: Mapping[str, Any]
    delivery: Delivery
    calls: tuple[ExpectedCall, ...]
    comes_to: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class CaseFile:
    """A whole file."""

    document: Document
    head: Head
    cases: tuple[Case, ...]


def beside(calls: Path) -> Path:
    """Where the cases of a file of calls are: `legacy.yaml` has `legacy.tests.yaml`."""
    return calls.with_name(f"{calls.stem}.tests.yaml")


def read_cases(path: Path, domains: Sequence[DomainSpec]) -> CaseFile:
    """Raises ConfigurationError, with file and line, for what is none or cannot be read."""
    reader = _Reader(read_document(path), domains)
    return CaseFile(reader.document, reader.head(), tuple(reader.cases()))


class _Reader:
    def __init__(self, document: Document, domains: Sequence[DomainSpec]) -> None:
        self.document = document
        self._domains = domains
        self._keys((), document.data, ("erp", "shop", "cases"))

    def head(self) -> Head:
        erp = self._keys(
            ("erp",), self.document.data.get("erp", {}), ("adapter", "wsdl", "auth", "secrets")
        )
        wsdl = erp.get("wsdl")
        if wsdl is not None and str(wsdl).startswith(("http://", "https://")):
            raise self._wrong(
                ("erp", "wsdl"), "is an address: keep a copy of it beside the file, and name that"
            )
        return Head(
            adapter=str(erp.get("adapter", "rest.generic")),
            shop=self._shop(),
            wsdl=None if wsdl is None else self.document.path.parent / str(wsdl),
            auth=erp.get("auth"),
            secrets=tuple(map(str, erp.get("secrets", ()))),
        )

    def _shop(self) -> ShopContext:
        shop = self._keys(("shop",), self.document.data.get("shop", {}), ("name", "timezone"))
        try:
            zone = ZoneInfo(str(shop.get("timezone", "UTC")))
        except (ZoneInfoNotFoundError, ValueError):
            raise self._wrong(("shop", "timezone"), "there is no such time zone") from None
        return ShopContext(str(shop.get("name", "main")), zone)

    def cases(self) -> list[Case]:
        cases = self._mapping(("cases",), self.document.data.get("cases") or {})
        return [self._case(name, tree) for name, tree in cases.items()]

    def _case(self, name: str, tree: Any) -> Case:
        at = ("cases", name)
        self._keys(at, tree, ("event", "calls", "comes_to"), ("event", "calls"))
        calls = tree["calls"]
        if not isinstance(calls, list):
            raise self._wrong((*at, "calls"), "this must be a list of calls")
        comes_to = tree.get("comes_to")
        return Case(
            name,
            tree,
            self._delivery((*at, "event"), tree["event"]),
            tuple(self._call((*at, "calls", index), call) for index, call in enumerate(calls)),
            None if comes_to is None else self._mapping((*at, "comes_to"), comes_to),
        )

    def _call(self, at: tuple[str | int, ...], tree: Any) -> ExpectedCall:
        self._keys(at, tree, ("request", "headers", "body", "answer"), ("request",))
        headers = self._mapping((*at, "headers"), tree.get("headers", {}))
        answer = tree.get("answer")
        return ExpectedCall(
            str(tree["request"]),
            {str(name): str(value) for name, value in headers.items()},
            tree.get("body"),
            None if answer is None else self._answer((*at, "answer"), answer),
        )

    def _answer(self, at: tuple[str | int, ...], tree: Any) -> WireAnswer:
        self._keys(at, tree, ("status", "headers", "body"), ("status",))
        if type(tree["status"]) is not int:
            raise self._wrong((*at, "status"), "this must be a number (200)")
        given = self._mapping((*at, "headers"), tree.get("headers", {}))
        headers = {str(name): str(value) for name, value in given.items()}
        body = tree.get("body")
        if isinstance(body, str) or body is None:
            content, kind = (body or "").encode(), "text/plain; charset=utf-8"
            kind = "text/xml; charset=utf-8" if content.lstrip().startswith(b"<") else kind
        else:
            content, kind = _JSON.encode(body), "application/json"
        if "content-type" not in map(str.lower, headers):
            headers["Content-Type"] = kind
        return WireAnswer(tree["status"], headers, content)

    # --- the event --------------------------------------------------------------------------

    def _delivery(self, at: tuple[str | int, ...], tree: Any) -> Delivery:
        self._keys(at, tree, _EVENT, ("type", "id", "subject", "time", "ref", "payload"))
        try:
            spec = next(one for one in self._domains if tree["type"] in one.types)
        except StopIteration:
            raise self._wrong((*at, "type"), f"there is no event '{tree['type']}'") from None
        event = spec.event(tree["type"])
        payload = self._payload((*at, "payload"), tree["payload"], spec, event.type)
        posting = tree.get("posting_date")
        return Delivery(
            Event(
                id=str(tree["id"]),
                type=event.type,
                source=source_of(self._shop().name),
                subject=str(tree["subject"]),
                time=self._moment((*at, "time"), tree["time"]),
                dataschema=schema_urn(event),
                data=payload,
                sequence=int(tree.get("sequence", 1)),
            ),
            str(tree["ref"]),
            self._link((*at, "link"), tree.get("link")),
            self._parent(at, tree, spec),
            None if posting is None else self._moment((*at, "posting_date"), posting),
        )

    def _parent(
        self, at: tuple[str | int, ...], tree: Mapping[str, Any], spec: DomainSpec
    ) -> Parent | None:
        if tree.get("parent") is None:
            return None
        above = next((one for one in self._domains if one.kind == spec.parent), None)
        if above is None or above.opening is None:
            raise self._wrong((*at, "parent"), f"{spec.noun}: belongs to no other document")
        payload = self._payload((*at, "parent"), tree["parent"], above, above.opening)
        return Parent(payload, self._link((*at, "parent_link"), tree.get("parent_link")))

    def _payload(
        self, at: tuple[str | int, ...], tree: Any, spec: DomainSpec, type_: str
    ) -> msgspec.Struct:
        event = spec.event(type_)
        try:
            return decode_payload(event, raw_payload(event.payload, self._mapping(at, tree)))
        except FrozenPayloadError as error:
            raise self._wrong((*at, *error.path), str(error)) from None
        except (msgspec.MsgspecError, BadData) as error:
            raise self._wrong(at, f"this is no {event.type}: {error}") from None

    def _link(self, at: tuple[str | int, ...], tree: Any) -> Link | None:
        if tree is None:
            return None
        names = tuple(field.name for field in dataclasses.fields(Link))
        return Link(**self._keys(at, tree, names, ("reference",)))

    def _moment(self, at: tuple[str | int, ...], text: Any) -> datetime:
        try:
            return msgspec.convert(text, datetime)
        except msgspec.ValidationError:
            raise self._wrong(at, "this must be a moment (2026-11-30T09:15:00Z)") from None

    # --- keys -------------------------------------------------------------------------------

    def _mapping(self, at: tuple[str | int, ...], tree: Any) -> Mapping[str, Any]:
        if not isinstance(tree, Mapping):
            raise self._wrong(at, "this must be a mapping (key: value)")
        return tree

    def _keys(
        self,
        at: tuple[str | int, ...],
        tree: Any,
        allowed: Collection[str],
        required: Collection[str] = (),
    ) -> Mapping[str, Any]:
        mapping = self._mapping(at, tree)
        for key in mapping:
            if key not in allowed:
                there = f"there is no key '{key}' here; there are {', '.join(allowed)}"
                raise self._wrong((*at, key), there)
        for key in required:
            if key not in mapping:
                raise self._wrong(at, f"'{key}' is missing")
        return mapping

    def _wrong(self, at: tuple[str | int, ...], text: str) -> ConfigurationError:
        where = ".".join(map(str, at))
        return ConfigurationError(f"{self.document.where(at)}: {where}: {text}", REMEDY)
