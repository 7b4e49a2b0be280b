"""An ERP account of which some documents go by another file of calls: the exceptions.

Stations and adapters know nothing of them: what the exceptions take is sorted out here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TypeVar

import msgspec

from sidecar.model.domain_spec import DomainSpec
from sidecar.model.errors import BadData, ConfigurationError
from sidecar.model.outcome import Booked, Unmapped
from sidecar.ports import (
    Advising,
    Capabilities,
    Delivery,
    ErpAdapter,
    Listed,
    Page,
    Ping,
    Preview,
    Previewing,
    PushCall,
    Result,
    Telling,
)

_T = TypeVar("_T")
_REMEDY = (
    "set a later day under expires, or take the exception out; then: erp-sidecar queue requeue"
)


@dataclass(frozen=True, slots=True)
class Exceptional:
    """One exception: the adapter of its file of calls, and which deliveries it is for.

    `name`: what people call it; `calls`: its file; `expires`: its last day.
    """

    domain: str
    name: str
    calls: str
    expires: date
    adapter: ErpAdapter
    applies: Callable[[Delivery], bool]


class ExceptingAdapter:
    """The account's adapter, and beside it those of its exceptions.

    The first exception that applies takes an event; what none takes goes by the account's own file.
    What cannot be told apart, or would go by an exception that is over, goes no way at all: it is
    parked, so that an order never changes its way without a word.
    """

    def __init__(
        self,
        adapter: ErpAdapter,
        exceptions: Sequence[Exceptional],
        domains: Sequence[DomainSpec],
        now: Callable[[], datetime],
    ) -> None:
        """`now`: in the shop's time zone."""
        self._adapter = adapter
        self._exceptions = exceptions
        self._domain_of = {type_: spec.name for spec in domains for type_ in spec.types}
        self._now = now

    def capabilities(self, domain: str) -> Capabilities:
        """What all files that send of a domain can do together.

        The ERP can be asked only where each of them can ask: what one of them sent and cannot ask
        for would be taken for absent, and sent again.
        """
        own = self._adapter.capabilities(domain)
        sending = [one for one in self._capable(domain) if one.subscriptions]
        if not sending:
            return own
        return replace(
            own,
            subscriptions=frozenset().union(*(one.subscriptions for one in sending)),
            batch=max(one.batch for one in sending),
            probe=all(one.probe for one in sending),
            probe_batch=max(one.probe_batch for one in sending),
            probe_items=all(one.probe_items for one in sending),
            dedupe=all(one.dedupe for one in sending),
            tells_total=all(one.tells_total for one in sending),
            finishes=frozenset().union(*(one.finishes for one in sending)),
        )

    def push(self, batch: Sequence[Delivery]) -> Sequence[PushCall]:
        """Send each event by its own file."""
        calls: list[PushCall] = []
        ways: dict[tuple[int, str], tuple[ErpAdapter, list[Delivery]]] = {}
        for delivery in batch:
            domain = self._domain_of[delivery.event.type]
            try:
                adapter, _ = self._way_of(delivery, domain)
            except BadData as error:
                told = f"{error.message}; {error.remedy}" if error.remedy else error.message
                calls.append(PushCall(None, [Result(delivery, Unmapped(message=told))]))
                continue
            ways.setdefault((id(adapter), domain), (adapter, []))[1].append(delivery)
        for (_, domain), (adapter, deliveries) in ways.items():
            for part in _parts(deliveries, adapter.capabilities(domain).batch):
                calls += adapter.push(part)
        return calls

    def probe(self, domain: str, refs: Sequence[str]) -> Mapping[str, tuple[Booked, ...]]:
        """Ask by the account's file, and for what that does not find by each exception's.

        A reference does not say which file sent it.  It counts as absent when none knows it; an
        error of one of them is an error of the whole question.
        """
        found: dict[str, tuple[Booked, ...]] = {}
        for adapter in self._adapters(domain):
            able = adapter.capabilities(domain)
            if not able.probe:
                continue
            missing = [ref for ref in refs if not found.get(ref)]
            for part in _parts(missing, able.probe_batch):
                found.update(adapter.probe(domain, part))
        return found

    def list(self, domain: str, since: datetime, page: str | int | None = None) -> Page[Listed]:
        """By the account's file: its list is of all documents, whichever call made them."""
        return self._adapter.list(domain, since, page)

    def changes(
        self, domain: str, since: datetime | None, page: str | int | None = None
    ) -> Page[msgspec.Struct]:
        """By the account's file: an exception is of what is sent."""
        if not isinstance(self._adapter, Telling):
            raise ConfigurationError(f"this adapter does not tell what is new of {domain}")
        return self._adapter.changes(domain, since, page)

    def preview(self, delivery: Delivery, *, ask: bool = False) -> Sequence[Preview]:
        """The calls of the file that would send it; raises BadData where none would."""
        adapter, exception = self._way_of(delivery, self._domain_of[delivery.event.type])
        if not isinstance(adapter, Previewing):
            raise BadData("this adapter cannot show its calls without making them")
        return [replace(one, exception=exception) for one in adapter.preview(delivery, ask=ask)]

    def warnings(self) -> Sequence[str]:
        """What the files have to say, and what of a domain they do not send."""
        adapters = [self._adapter, *(one.adapter for one in self._exceptions)]
        told = [text for one in adapters if isinstance(one, Advising) for text in one.warnings()]
        return [*told, *self._unsent()]

    def ping(self) -> Ping:
        """Of the account: the exceptions have the same login."""
        return self._adapter.ping()

    def close(self) -> None:
        """Give back the connections of all."""
        for adapter in (self._adapter, *(one.adapter for one in self._exceptions)):
            adapter.close()

    def _way_of(self, delivery: Delivery, domain: str) -> tuple[ErpAdapter, str | None]:
        """The adapter that sends it, and the exception's name; raises BadData where none may."""
        for one in self._exceptions:
            if one.domain == domain and one.applies(delivery):
                if self._now().date() > one.expires:
                    raise BadData(f"{one.name} was good until {one.expires}", _REMEDY)
                return self._carried(one.adapter, delivery, domain, one.calls), one.name
        own = "the file of calls, and no exception applies"
        return self._carried(self._adapter, delivery, domain, own), None

    def _carried(
        self, adapter: ErpAdapter, delivery: Delivery, domain: str, file: str
    ) -> ErpAdapter:
        # An adapter without a call calls that a fault of the configuration, which stops the domain.
        if delivery.event.type not in adapter.capabilities(domain).subscriptions:
            raise BadData(f"no call for {delivery.event.type} in {file}: nothing was sent")
        return adapter

    def _adapters(self, domain: str) -> Iterator[ErpAdapter]:
        yield self._adapter
        yield from (one.adapter for one in self._exceptions if one.domain == domain)

    def _capable(self, domain: str) -> Iterator[Capabilities]:
        return (adapter.capabilities(domain) for adapter in self._adapters(domain))

    def _unsent(self) -> Iterator[str]:
        for domain in dict.fromkeys(one.domain for one in self._exceptions):
            own = self._adapter.capabilities(domain).subscriptions
            if not own:
                yield (
                    f"only exceptions carry {domain}: what none of them takes is not sent, it is "
                    "parked"
                )
            for one in self._exceptions:
                lacks = own - one.adapter.capabilities(domain).subscriptions
                if one.domain == domain and lacks:
                    yield (
                        f"{one.calls} has no call for {', '.join(sorted(lacks))}, which the "
                        f"account's file carries: of what {one.name} takes they are parked"
                    )


def _parts(whole: Sequence[_T], size: int) -> Iterator[Sequence[_T]]:
    step = max(1, size)
    return (whole[at : at + step] for at in range(0, len(whole), step))
