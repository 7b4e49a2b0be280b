"""What goes in one call: the events of a claim, divided."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sidecar.delivery.claim import Claim
from sidecar.delivery.parents import ParentDocument
from sidecar.ledger.claims import Claimed
from sidecar.ports import Link


@dataclass(slots=True)
class Trust:
    """Until when (monotonic) this process may use a claim; each renewal of the lease extends it.

    It ends before the lease does, counted from before the lease was asked for.  After a SIGSTOP
    past it somebody else may be sending the very same event.
    """

    until: float
    was_renewed: bool = False

    def renew(self, until: float) -> None:
        """The lease was extended."""
        self.until, self.was_renewed = until, True


@dataclass(frozen=True, slots=True)
class Parcel:
    """Claimed events that go in one call, or are asked for in one (`probing`)."""

    events: tuple[Claimed, ...]
    links: dict[tuple[str, int], Link]
    trust: Trust
    probing: bool = False
    parents: Mapping[tuple[str, int], ParentDocument] = field(default_factory=dict)

    def link(self, claimed: Claimed) -> Link | None:
        """What the ERP called the event's entity."""
        return self.links.get((claimed.kind, claimed.entity_id))


def parcels_of(claim: Claim, batch: int, probe_batch: int) -> list[Parcel]:
    """A claim's calls, of at most `batch` events that are sent and `probe_batch` asked about."""
    trust = Trust(claim.trusted_until)
    pushes = [
        Parcel(part, claim.links, trust, parents=claim.parents)
        for part in _parts(claim.pushes, batch)
    ]
    probes = [
        Parcel(part, claim.links, trust, probing=True)
        for part in _chunks(claim.probes, probe_batch)
    ]
    return pushes + probes


def _parts(events: Sequence[Claimed], batch: int) -> list[tuple[Claimed, ...]]:
    """Calls of at most `batch` events; a batch that failed is halved at each further attempt.

    So a bad record soon stands alone, and the others go without it.
    """
    by_size: dict[int, list[Claimed]] = defaultdict(list)
    for claimed in events:
        by_size[max(1, batch >> max(0, claimed.attempts - 1))].append(claimed)
    return [part for size, alike in by_size.items() for part in _chunks(alike, size)]


def _chunks(events: Sequence[Claimed], size: int) -> list[tuple[Claimed, ...]]:
    return [tuple(events[start : start + size]) for start in range(0, len(events), size)]
