"""What the inbound stations ask of a domain: to carry the ERP's word into Magento."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from sidecar.magento.live_schema import MagentoSchema
from sidecar.model.domain_spec import DomainSpec
from sidecar.model.errors import ConfigurationError
from sidecar.model.news import Application, News


@runtime_checkable
class DocumentApplier(Protocol):
    """Of a domain whose news are documents: each is applied alone, once.

    It may be told of one again after a crash at any moment: it looks in Magento first whether it
    stands there already (by the mark that it leaves: the ERP's number).
    """

    spec: DomainSpec

    def apply(self, news: News, writing: Callable[[str], None]) -> Application:
        """Carry it out.

        `writing(memory)` is called right before a call to Magento that writes: it is written down,
        with what the applier wants to remember of it, and committed.  Raises what the database and
        Magento raise where nothing was written (`sidecar.model.errors`): it is tried again.
        """


@runtime_checkable
class LimitsStays(Protocol):
    """A document's applier that knows states which a document should leave in time."""

    @property
    def longest_stays(self) -> Mapping[str, float]:
        """State → seconds after which a person is told."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row that must not be written, and why; `ours` and `theirs` for a person."""

    number: str
    reason: str
    ours: str = ""
    theirs: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run of levels would change.

    `changes`: rows of the applier's own, to be handed to `write`; `described`: the first of them,
    for a person.  `known`: how many levels the shop has; `to_zero`: how many of the changes fall to
    zero.  `held`: why the run must wait for a person (beyond its bounds), None where it may go.
    """

    changes: Sequence[Any]
    refused: Sequence[Refusal]
    known: int
    equal: int
    to_zero: int = 0
    held: str | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a plan: rows written, and those that Magento refused.

    `left`: rows left alone, since they changed after the plan was made or somebody held them; they
    are right with the next run that is told of them.
    """

    rows: int
    refused: Sequence[Refusal] = ()
    left: int = 0


@runtime_checkable
class LevelApplier(Protocol):
    """Of a domain whose news are levels: a whole run is compared, and what differs is written."""

    spec: DomainSpec

    def plan(self, rows: Iterable[Any], *, whole: bool) -> Plan:
        """Compare with Magento; writes nothing.  `whole`: the rows are all that the ERP has.

        `rows` is best an iterator that asks the ERP as it is pulled: what the ERP did after the
        moment at which this is called counts as unknown to its answer.
        """

    def write(self, plan: Plan, stopping: Callable[[], bool]) -> Written:
        """Write what differs.  Harmless to repeat; a level that changed meanwhile is left alone."""

    def shown(self, plan: Plan, most: int) -> Sequence[Mapping[str, object]]:
        """The first changes, for `stock diff` and the like: number, what is, what would be."""


Applier = DocumentApplier | LevelApplier


@dataclass(frozen=True, slots=True)
class BesideMagento:
    """What an applier is opened beside.

    `database` runs transactions on Magento's tables; `api` is Magento's REST API, None where the
    configuration has none; `settings` the domain's section; `ledger` full names of our tables (the
    ledger's `LedgerNames`); `origin`: where each value of the configuration was written; `account`:
    the name of the ERP account that tells.
    """

    schema: MagentoSchema
    database: Any
    api: Any | None
    settings: Any
    ledger: Any
    origin: Mapping[str, str] = field(default_factory=dict)
    account: str = ""


def require_api(shop: BesideMagento, domain: str) -> Any:
    """Magento's REST API; raises ConfigurationError where the configuration has none.

    Only Magento's own business logic makes a shipment, an invoice or a credit memo: it owns stock,
    reservations and e-mails.
    """
    if shop.api is None:
        raise ConfigurationError(
            f"domains.{domain}: shop.api is missing: Magento's own API makes the documents",
            "configure shop.api (docs/magento-api.md)",
        )
    return shop.api
