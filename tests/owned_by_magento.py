"""A pipeline beside a shop that owns its stock, products and prices."""

from __future__ import annotations

from pathlib import Path

from sidecar.capture.tally import Tally
from sidecar.domains import SPECS
from sidecar.testing.magento_db import MagentoDatabase
from tests.document_calls import calls_of, section_of
from tests.harness import TAKES, ScriptedErp
from tests.pipeline import ORDER_CALLS, Pipeline

OWNED = ("stock", "products", "prices")
DOMAINS = f"{section_of('stock.md')}{section_of('products.md')}"


def erp_of_all(*types: str, dedupe: bool = False, probe: bool = False) -> ScriptedErp:
    """An ERP that takes orders and these events; all of those domains where none is named."""
    every = [type_ for spec in SPECS if spec.name in OWNED for type_ in spec.types]
    return ScriptedErp(
        subscriptions=TAKES | frozenset(types or every), dedupe=dedupe, probe=probe, batch=50
    )


def pipeline_of_all(
    magento: MagentoDatabase, erp: ScriptedErp, folder: Path, domains: str = DOMAINS
) -> Pipeline:
    """See `Pipeline`."""
    return Pipeline(
        magento,
        folder,
        calls=ORDER_CALLS + calls_of("stock.md", "products.md"),
        adapter=erp,
        domains=domains,
    )


def tally_of(pipeline: Pipeline) -> Tally:
    """What sums demand."""
    (tally,) = pipeline.sidecar.tallies()
    return tally


def told(erp: ScriptedErp, *types: str) -> list[tuple[str, str]]:
    """Type and what people call it, of what was pushed of these types, or of all but orders."""
    return [
        (delivery.event.type, delivery.event.subject.partition("/")[2])
        for delivery in erp.pushed
        if (delivery.event.type in types if types else not delivery.event.type.startswith("order"))
    ]
