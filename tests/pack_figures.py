"""What becomes of a real Magento's orders, refunds and customers in each pack's ERP.

The ERP is the face of `erpsim` that speaks the pack's interface and does its own arithmetic.  The
daemon's part is played as the daemon does it: what is unknown is asked for, and sent again where
it is not there.

What comes of all the recorded orders stands in docs/adapters.md: test_packs_with_real_orders holds
it there, and writes it anew with ERP_SIDECAR_WRITE_FIGURES=1.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from adapters.erps import dynamics_bc, netsuite_rest, sap_s4
from sidecar.domains import SPECS
from sidecar.domains.orders.payload import Order
from sidecar.domains.orders.verify import differences
from sidecar.magento.money_document_figures import verify
from sidecar.model.errors import Unavailable
from sidecar.model.outcome import Accepted, Booked, Retry, Unknown
from sidecar.model.settlement import Difference, Tolerances
from sidecar.ports import AdapterSettings, Delivery, ErpAdapter, Link, Pack, ShopContext
from sidecar.testing.contract_calls import push_all
from sidecar.testing.contract_records import CUSTOMERS
from sidecar.testing.erpsim import ErpSimClient, serve_in_thread
from sidecar.testing.sample_documents import delivery, refund_of
from sidecar.testing.sample_order import SHOP, placed
from tests.contract import business_central_bench, netsuite_rest_bench, sap_bench

PAGE = Path(__file__).parents[1] / "docs" / "adapters.md"
BEGIN, END = "<!-- figures of the packs: generated -->", "<!-- end of the figures -->"
WRITES = "ERP_SIDECAR_WRITE_FIGURES"
#: What becomes of a call: of ten three are booked and not answered, two do not arrive.
FAULTS = {"accept_then_drop": 0.3, "drop_before": 0.2}
_ROUNDS = 60


@dataclass(frozen=True)
class Bench:
    """A pack and the ERP that it is tried on.

    `overlay`: writes the user's own file of calls into a folder.  `interface`: the simulator's.
    """

    name: str
    pack: Pack
    overlay: Callable[[Path], Path]
    interface: str = "plain"

    @contextmanager
    def at_work(self, folder: Path) -> Iterator[tuple[ErpSimClient, ErpAdapter]]:
        """The ERP with empty books, and the adapter."""
        with serve_in_thread(interface=self.interface) as erp:
            shop = ShopContext(SHOP, ZoneInfo("Europe/Berlin"))
            calls = self.overlay(folder)
            settings = AdapterSettings(erp.url, 5, 60, shop, calls=calls, domains=SPECS)
            with closing(self.pack(settings)) as adapter:
                yield erp, adapter


BENCHES = (
    Bench("sap_s4", sap_s4.PACK, sap_bench.overlay),
    Bench("sap_s4.odata4", sap_s4.PACK_4, sap_bench.overlay),
    Bench("dynamics_bc", dynamics_bc.PACK, business_central_bench.overlay, "business-central"),
    Bench("netsuite", netsuite_rest.PACK, netsuite_rest_bench.overlay, "netsuite"),
)


@dataclass
class Figures:
    """Of one pack and one kind of document: how many went, how often an outcome was in doubt, and
    what the ERP has otherwise: its kinds of difference → how many documents."""

    sent: int = 0
    doubts: int = 0
    otherwise: Counter[str] = field(default_factory=Counter)

    def told(self, found: Mapping[str, Sequence[Difference]]) -> None:
        """Count what the ERP has of these documents, by their external references."""
        self.sent += len(found)
        self.otherwise.update(
            ", ".join(sorted({one.kind for one in told})) for told in found.values() if told
        )

    def __add__(self, other: Figures) -> Figures:
        return Figures(
            self.sent + other.sent, self.doubts + other.doubts, self.otherwise + other.otherwise
        )


def only(adapter: ErpAdapter, domain: str, ref: str) -> Booked:
    """What the ERP has under our reference; that it has it twice, or not, is an error."""
    [booked] = adapter.probe(domain, [ref])[ref]
    return booked


def differing(adapter: ErpAdapter, orders: Sequence[Order]) -> dict[str, tuple[Difference, ...]]:
    """Order → what the ERP has otherwise."""
    return {
        order.increment_id: differences(
            order, only(adapter, "orders", order.increment_id), Tolerances()
        )
        for order in orders
    }


def sent_through(
    adapter: ErpAdapter, domain: str, deliveries: Sequence[Delivery]
) -> tuple[dict[str, str], int]:
    """The ERP's number of each by its reference, and how often an outcome was in doubt."""
    waiting, references, doubts = list(deliveries), dict[str, str](), 0
    for _ in range(_ROUNDS):
        answers, sent, waiting = push_all(adapter, waiting), waiting, []
        for one, answer in zip(sent, answers, strict=True):
            match answer.outcome:
                case Accepted(booked=booked):
                    references[one.ref] = booked.reference
                case Unknown():
                    doubts += 1
                    there = _asked(adapter, domain, one.ref)
                    if there:
                        references[one.ref] = there[0].reference
                    else:
                        waiting.append(one)
                case Retry():
                    waiting.append(one)
                case outcome:
                    raise AssertionError(f"{one.ref}: {outcome}")
        if not waiting:
            return references, doubts
    raise AssertionError(f"{len(waiting)} are not there after {_ROUNDS} times")


def _asked(adapter: ErpAdapter, domain: str, ref: str) -> Sequence[Booked]:
    """What the ERP has under our reference, asked until it answers; a state, which is not asked
    for, is told again."""
    if not adapter.capabilities(domain).probe:
        return ()
    for _ in range(_ROUNDS):
        with suppress(Unavailable):
            return adapter.probe(domain, [ref])[ref]
    raise AssertionError(f"no answer of {ref} in {_ROUNDS} times")


def refund(order: Order, reference: str) -> Delivery:
    """All of an order is given back."""
    whole = refund_of(order, order.increment_id)
    return delivery(whole, "refund.issued", order, Link(reference))


def figures(bench: Bench, orders: Sequence[Order]) -> dict[str, Figures]:
    """What becomes of the orders, of a refund of each that cost something, and of its customer,
    where answers are lost; what the ERP has twice or not at all is an error."""
    found = {"orders": Figures(), "refunds": Figures(), "customers": Figures()}
    with TemporaryDirectory() as folder, bench.at_work(Path(folder)) as (erp, adapter):
        references = _sent(erp, adapter, found, "orders", [placed(order) for order in orders])
        found["orders"].told(differing(adapter, orders))
        paid = [order for order in orders if order.grand_total > 0]
        refunds = [refund(order, references[order.increment_id]) for order in paid]
        _sent(erp, adapter, found, "refunds", refunds)
        found["refunds"].told(
            {
                one.ref: verify(one.event.data, only(adapter, "refunds", one.ref), Tolerances())
                for one in refunds
            }
        )
        assert erp.count() == len(orders) + len(refunds)
    with TemporaryDirectory() as folder, bench.at_work(Path(folder)) as (erp, adapter):
        people = [_customer(order) for order in orders]
        standing = len(erp.customers())
        _sent(erp, adapter, found, "customers", people)
        kept = Counter(str(one.name).rpartition(" ")[2] for one in erp.customers())
        named = Counter(CUSTOMERS.facts(one.event.data)[0].rpartition(" ")[2] for one in people)
        found["customers"].sent = len(people)
        found["customers"].otherwise.update({"name": (named - kept).total()})
        assert len(erp.customers()) == standing + len(people)
    return found


def _customer(order: Order) -> Delivery:
    """Its reference is made of the id, as the daemon makes it."""
    return CUSTOMERS.opening(replace(order, increment_id=f"{order.entity_id:09}"))


def _sent(
    erp: ErpSimClient,
    adapter: ErpAdapter,
    found: Mapping[str, Figures],
    domain: str,
    deliveries: Sequence[Delivery],
) -> dict[str, str]:
    for seed, (fault, probability) in enumerate(FAULTS.items()):
        erp.rule(fault, probability=probability, seed=seed)
    references, doubts = sent_through(adapter, domain, deliveries)
    erp.clear_rules()
    found[domain].doubts += doubts
    return references


def table(found: Mapping[str, Mapping[str, Figures]]) -> str:
    """Of each pack's name the figures by domain, as docs/adapters.md shows them."""
    rows = [
        "| pack | what | sent | in doubt on the way | exact | otherwise, as |",
        "|---|---|---|---|---|---|",
    ]
    for pack, by_domain in found.items():
        for domain, one in by_domain.items():
            told = +one.otherwise
            exact = one.sent - told.total()
            kinds = "; ".join(f"{count}: {kind}" for kind, count in sorted(told.items()))
            rows.append(f"| `{pack}` | {domain} | {one.sent} | {one.doubts} | {exact} | {kinds} |")
    return "\n".join(rows)


def documented() -> str:
    """The table as docs/adapters.md has it."""
    return PAGE.read_text("utf-8").partition(BEGIN)[2].partition(END)[0].strip()
