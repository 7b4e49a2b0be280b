"""What the stations need of the world outside, as Protocols.

An adapter knows this module and `sidecar.model`, nothing else of the sidecar.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any, Generic, Literal, Protocol, TypeVar, runtime_checkable

import msgspec

from sidecar.model.domain_spec import DomainSpec
from sidecar.model.event import Event
from sidecar.model.exchange import Exchange as Exchange
from sidecar.model.exchange import Reading as Reading
from sidecar.model.outcome import Booked, Outcome
from sidecar.model.secret import Secret

Row = TypeVar("Row", covariant=True)


@dataclass(frozen=True, slots=True)
class Link:
    """What the ERP called an entity that it accepted before.

    `ref`: the external reference under which it was booked, for its whole life.  `ended`: the ERP
    took a cancel of it; an order that lives again is placed with this link.  `key`: the name that
    calls need, where the file of calls reads one.
    """

    reference: str
    status: str | None = None
    ref: str | None = None
    ended: bool = False
    key: str | None = None


@dataclass(frozen=True, slots=True)
class ShopContext:
    """What an expression may know of the shop."""

    name: str
    timezone: tzinfo


@dataclass(frozen=True, slots=True)
class Parent:
    """The document that an event's own belongs to: what it said, and what the ERP called it."""

    payload: msgspec.Struct
    link: Link | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event on its way: `ref` is the external reference that a probe asks for.

    `parent`: of a domain whose documents belong to another's (a refund's order).  `posting_date`:
    midnight of the day on which it is to be posted; None: on that of its own time.  `unfinished`:
    the ERP took it before and the steps after that were not all done: they are gone on with, and
    the event itself is not sent.
    """

    event: Event
    ref: str
    link: Link | None = None
    parent: Parent | None = None
    posting_date: datetime | None = None
    unfinished: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one delivery; `reading`: what of a file of calls took the ERP's answer."""

    delivery: Delivery
    outcome: Outcome
    reading: Reading | None = None


@dataclass(frozen=True, slots=True)
class PushCall:
    """One call of a push, and what became of the deliveries that it decided about.

    `exchange` None: nothing went over the wire (a delivery that cannot be mapped).  No `results`:
    the call was made and decided about none of them, others did (a batch that was refused and sent
    again in halves, a customer before its order).
    """

    exchange: Exchange | None
    results: Sequence[Result] = ()


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an adapter can do in one domain.

    `tells_changes`, `tells_all`: what the ERP tells by itself, since a moment or whole (`changes`).

    `subscriptions`: the event types it has a call for.  `batch`: most events in one call (1: single
    calls).  `probe`: the ERP can be asked by external reference; where it cannot, and the ERP
    does not refuse duplicates by itself (`dedupe`), an unknown outcome is parked, never resent.
    `probe_batch`: most references in one question.  `probe_items`: what a probe finds has its lines
    too, so that one is worth a call where an acceptance does not tell them.  `tells_total`: the
    total of each document that was opened is told, by the answer or by a probe, to be compared.
    `finishes`: the event types with steps after their acceptance (`Delivery.unfinished`).
    """

    subscriptions: frozenset[str]
    batch: int = 1
    probe: bool = False
    probe_batch: int = 1
    probe_items: bool = False
    dedupe: bool = False
    lists: bool = False
    tells_total: bool = False
    tells_changes: bool = False
    tells_all: bool = False
    finishes: frozenset[str] = frozenset()

    @property
    def clears_doubt(self) -> bool:
        """Whether the ERP itself tells what became of a placement that it did not answer."""
        return self.probe or self.dedupe


@dataclass(frozen=True, slots=True)
class Listed:
    """One document in the ERP's own list; `external` is the reference that we gave it."""

    external: str
    booked: Booked


@dataclass(frozen=True, slots=True)
class UnreadableRow:
    """A row of the ERP's news that could not be read, and which keeps no other from being read.

    `number`: what the ERP calls it, as far as that could be read; `reason`: what was missing or did
    not fit, with its place in the file of calls and without the value, which may be personal.  It
    is the same each time that the ERP tells the same row.
    """

    number: str
    reason: str


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Part of what the ERP tells by itself, row by row; `next` is None on the last page."""

    rows: tuple[Row, ...]
    next: str | int | None = None
    unreadable: tuple[UnreadableRow, ...] = ()


@dataclass(frozen=True, slots=True)
class Ping:
    """Whether the ERP answers and takes our login."""

    reachable: bool
    authorised: bool
    message: str = ""


class ErpAdapter(Protocol):
    """One ERP account.  Methods are called from several threads at once.

    `push` never raises for what the ERP or the wire does: it answers with outcomes.  `probe` and
    `list` raise `sidecar.model.errors.Unavailable` when no trustworthy answer can be had, with the
    exchange where there was one.
    """

    def capabilities(self, domain: str) -> Capabilities:
        """What this ERP's interface can do in a domain, as configured."""

    def push(self, batch: Sequence[Delivery]) -> Sequence[PushCall]:
        """Send; every call that was made, in its order.

        Each delivery has exactly one result in all of them: one that has none, or several, is in
        doubt.  The throttle counts the calls that have an exchange.
        """

    def probe(self, domain: str, refs: Sequence[str]) -> Mapping[str, tuple[Booked, ...]]:
        """What the ERP has under each external reference; a missing or empty entry: nothing."""

    def list(self, domain: str, since: datetime, page: str | int | None = None) -> Page[Listed]:
        """Documents changed since (UTC), page by page; the first page is None."""

    def ping(self) -> Ping:
        """Ask something harmless."""

    def close(self) -> None:
        """Give back connections."""


#: `Preview.step` of the call that carries the event itself, where there are others.
OWN_CALL = "call"


@dataclass(frozen=True, slots=True)
class Preview:
    """A call as it would be made, its secrets struck out.

    `body` is exact; `shown` is the same body with line breaks for a person.  `exception`: the name
    of the exception whose file of calls makes it.  `step`: which of an event's calls it is, where
    it has several.
    """

    request: str
    headers: Mapping[str, str]
    body: str | None = None
    shown: str | None = None
    exception: str | None = None
    step: str = ""


@runtime_checkable
class Telling(Protocol):
    """An adapter whose ERP is asked what it has to say by itself (`Capabilities.tells_changes`)."""

    def changes(
        self, domain: str, since: datetime | None, page: str | int | None = None
    ) -> Page[msgspec.Struct]:
        """What the ERP tells of a domain by itself, as rows of its `DomainSpec.tells`.

        `since` (UTC): what changed since; None: everything.  Raises as `list`: an answer that
        cannot be read is never "nothing new"; a row that cannot be is one of `Page.unreadable`.
        """


@runtime_checkable
class Previewing(Protocol):
    """An adapter that can show a call without making it (`erp-sidecar adapter dry-run`)."""

    def preview(self, delivery: Delivery, *, ask: bool = False) -> Sequence[Preview]:
        """The calls that would be made for this event, in order; none where nothing carries it.

        `ask`: the questions before it are really asked, so that its own call has what they tell.

        Raises `sidecar.model.errors.BadData` for an event that cannot be mapped.
        """


@dataclass(frozen=True, slots=True)
class RehearsedCall:
    """A call of a rehearsal, without what every call has and without a login.

    `request`: method and address, the ERP's own left out (`POST /orders?shop=main`).  `body`: JSON,
    a form and XML as a tree (docs/mapping-tests.md), everything else as text; None for none.
    """

    request: str
    headers: Mapping[str, str]
    body: Any = None


@dataclass(frozen=True, slots=True)
class WireAnswer:
    """An answer as it comes over the wire."""

    status: int
    headers: Mapping[str, str]
    content: bytes


#: Plays the ERP: what it answers to a call; None: no answer comes.
Script = Callable[[RehearsedCall], WireAnswer | None]


@runtime_checkable
class Rehearsing(Protocol):
    """An adapter that can send an event to a script instead of the ERP (`adapter test`)."""

    def rehearse(self, delivery: Delivery, script: Script, now: datetime) -> Outcome:
        """What comes of a `push` whose calls the script answers.

        Nothing goes over the network.  No secret is in a call, and each is the same every time:
        `now` (UTC) is its moment, its nonce is always the same one.
        """


@runtime_checkable
class Conditional(Protocol):
    """An adapter whose language can say which events something is for (`exceptions`)."""

    def condition(self, domain: str, when: str) -> Callable[[Delivery], bool]:
        """An expression over the payload of a domain; ConfigurationError for what is none.

        What is returned raises `sidecar.model.errors.BadData` where it cannot be told of an event.
        """


@runtime_checkable
class PreviewingNews(Protocol):
    """As `Previewing`, of a question for news (`erp-sidecar adapter changes --dry-run`)."""

    def preview_changes(self, domain: str, since: datetime | None) -> Preview:
        """The first call that `Telling.changes` would make.  Raises as `Previewing.preview`."""


@runtime_checkable
class Advising(Protocol):
    """An adapter that has something to say of its file which is no error (`config validate`)."""

    def warnings(self) -> Sequence[str]:
        """What may be meant and most often is not, each with its file and line."""


@dataclass(frozen=True, slots=True)
class ContractFinding:
    """What is wrong with a mapping by the ERP's interface description.

    `error`: the ERP cannot take it; `warning`: it may not.  `id` is stable (docs/interfaces.md),
    `place` names file, line and path.  `path`: the path alone; `field`: the ERP's field that is
    meant, where it is one.
    """

    severity: Literal["error", "warning"]
    id: str
    place: str
    text: str
    remedy: str = ""
    path: str = ""
    field: str = ""


@dataclass(frozen=True, slots=True)
class ContractDifference:
    """What one interface description says otherwise than another.

    `harm`: `calls`, our file of calls cannot go there as it is; `less`, fewer or other calls are
    taken, or less is told; `more`, what went before goes there too.  `id` is stable
    (docs/interfaces.md).  `operation`: the first one that it concerns; `place`: type or part, and
    field; `before` and `after`: of the one description and of the other, None where it has none.
    `sent_at`: where our file of calls fills it, file and line.
    """

    harm: Literal["calls", "less", "more"]
    id: str
    operation: str
    place: str
    before: str | None
    after: str | None
    sent_at: str | None = None


@dataclass(frozen=True, slots=True)
class Described:
    """One operation of an interface description, as lines for a person and as a tree."""

    lines: tuple[str, ...]
    tree: Mapping[str, Any]


class Contract(Protocol):
    """An ERP's interface description: a WSDL, an OpenAPI or an EDMX document.

    It is read by a function in the entry-point group `erp_sidecar.contracts`,
    `open_contract(source: str, settings: AdapterSettings | None) -> Contract | None`: `source` is a
    file or an address, `settings` how the configured ERP is reached; None where the document is
    of another kind.  For an operation that does not exist UsageError is raised.
    """

    def operations(self) -> Mapping[str, str]:
        """Each operation's name, and what it takes in one line."""

    def describe(self, operation: str, types: Sequence[str], depth: int) -> Described:
        """Its arguments; `types` choose where the description leaves a choice."""

    def skeleton(self, operation: str, types: Sequence[str], news: DomainSpec | None = None) -> str:
        """A file of calls with that operation, to be filled in; `news`: as that domain's
        `changes`."""

    def check(
        self, calls: Path, domains: Sequence[DomainSpec], below: Sequence[Path] = ()
    ) -> list[ContractFinding]:
        """What in a file of calls, for these domains, the ERP would not take.

        `below`: those that it is laid over, lowest first.
        """

    def compare(
        self, other: Contract, calls: Sequence[Path], domains: Sequence[DomainSpec]
    ) -> list[ContractDifference]:
        """What another description says otherwise, the most harmful first.

        `calls`: the files of calls that are to go there, lowest first; none: whatever goes.
        Raises UsageError for a description that has no operation of this one's.
        """


class Clock(Protocol):
    """The process's clock; leases never use it, they use the database's."""

    def now(self) -> datetime:
        """Aware, UTC."""

    def monotonic(self) -> float:
        """Seconds, for durations and time-outs."""


class Sleeper(Protocol):
    """Waiting that a stop can interrupt."""

    def wait(self, seconds: float) -> bool:
        """True when the wait was cut short by a stop."""


class Narrator(Protocol):
    """Where stations say what happened: the log, the metrics and the demo listen."""

    def tell(self, event: str, /, **fields: object) -> None:
        """`event` is a stable name (docs/log-events.md); fields carry no personal data."""


@dataclass(frozen=True, slots=True)
class AdapterSettings:
    """What `app` hands an adapter's factory (entry-point group `erp_sidecar.adapters`).

    `url` is the ERP's address, empty where an adapter knows it from elsewhere (a WSDL); `auth` the
    `erp.auth` section with its secrets resolved to `Secret`, `secrets` what stands under
    `erp.secrets`; `calls` the absolute path of the declarative file (None for an adapter that needs
    none), `calls_below` those that it is laid over, lowest first; `wsdl` a path or URL; `tls` the
    `erp.tls` section. Times in seconds. `cookies`: those that the ERP gives are sent back;
    `insecure`: a login may go over plain http. `renamed`: domains whose external reference is
    configured to be another than Magento's number; `domains`: those that a file of calls may have.
    `trust_absence_after`: seconds after which a question that finds nothing is believed.
    """

    url: str
    connect_timeout: float
    read_timeout: float
    shop: ShopContext
    calls: Path | None = None
    wsdl: str | None = None
    auth: Mapping[str, Any] = field(default_factory=dict, repr=False)
    secrets: Mapping[str, Secret] = field(default_factory=dict, repr=False)
    tls: Mapping[str, str] = field(default_factory=dict)
    concurrency: int = 4
    cookies: bool = False
    insecure: bool = False
    renamed: frozenset[str] = frozenset()
    trust_absence_after: float = 0.0
    domains: tuple[DomainSpec, ...] = field(kw_only=True)
    calls_below: tuple[Path, ...] = ()

    @property
    def files_of_calls(self) -> tuple[Path, ...]:
        """Lowest first; each is laid over those before it."""
        return (*self.calls_below, *((self.calls,) if self.calls is not None else ()))


@dataclass(frozen=True, slots=True)
class Pack:
    """An ERP out of the box: a factory of its adapter, and a folder with its files.

    An entry point of the group `erp_sidecar.adapters` names one as it names a factory.  The folder:
    `calls.yaml`, over which `erp.calls` is laid; `lifecycle.yaml`, and what `config generate --erp`
    begins with: `sidecar.yaml`, keys of the configuration with a value that is this ERP's, and
    `overlay.yaml`, the file of calls that is to be filled in.
    """

    folder: Path
    make: Callable[[AdapterSettings], ErpAdapter]

    @property
    def calls(self) -> Path:
        """Its own file of calls."""
        return self.folder / "calls.yaml"

    def __call__(self, settings: AdapterSettings) -> ErpAdapter:
        """The adapter for one account.  Raises ConfigurationError."""
        below = (self.calls, *settings.calls_below)
        return self.make(replace(settings, calls_below=below))
