"""A domain as the composition root takes it: its specification, and its parts beside a shop."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

import sqlalchemy as sa

from sidecar.magento.acknowledger import Acknowledger
from sidecar.magento.applier import Applier, BesideMagento
from sidecar.magento.examiner import Examiner, Search
from sidecar.magento.live_schema import MagentoSchema
from sidecar.magento.stores import StoreLimit
from sidecar.magento.totals import Totals
from sidecar.model.domain_spec import DomainSpec
from sidecar.model.guest import Guests
from sidecar.model.reference import Reference


class Gate(Protocol):
    """What the opening of a document must pass before it may go."""

    def closed(self, memory: str | None, *, held_by_us: bool) -> str | None:
        """Why it may not go yet, None when it may; `memory`: what the ledger keeps of it (`facts`).

        Raises BadData where that cannot be read.
        """


#: Which of these entities carry an answer of the ERP in Magento, whatever the ledger says.
Answered: TypeAlias = Callable[[sa.Connection, Sequence[int]], set[int]]
#: The entities that are meant by a hint on something else (`Watch.names`).
Behind: TypeAlias = Callable[[sa.Connection, Sequence[int]], list[int]]


@dataclass(frozen=True, slots=True)
class Beside:
    """The shop that a domain is opened beside.

    `entity_table`: the ledger's memory, its full name quoted; `settings`: the domain's section of
    the configuration; `stores`: to which it is limited; `origin`: where each of its values was
    written; `skip_locked`: the server knows SKIP LOCKED; `guests`: what becomes of people who order
    without an account.
    """

    schema: MagentoSchema
    entity_table: str
    settings: Any
    stores: StoreLimit
    skip_locked: bool = True
    origin: Mapping[str, str] = field(default_factory=dict)
    guests: Guests = field(default_factory=Guests)


@dataclass(frozen=True, slots=True)
class Parts:
    """What the stations are handed; None where a domain has no such part, and is passed by.

    `require_known` raises ConfigurationError for what is configured and the shop does not have,
    where a look into its rows tells.
    """

    examiner: Examiner
    search: Search
    reference: Reference
    gate: Gate | None = None
    acknowledger: Acknowledger | None = None
    answered: Answered | None = None
    require_known: Callable[[sa.Connection], None] | None = None
    behind: Behind | None = None
    totals: Totals | None = None


@dataclass(frozen=True, slots=True)
class RegisteredDomain:
    """One domain; `open` raises ConfigurationError where the shop cannot bear its settings.

    `open`: for what Magento owns of it; `inbound`: for what the ERP owns of it; None where the one
    or the other cannot be.
    """

    spec: DomainSpec
    open: Callable[[Beside], Parts] | None = None
    inbound: Callable[[BesideMagento], Applier] | None = None
