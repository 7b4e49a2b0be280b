"""A pipeline that carries one domain of documents beside the orders, and what tests ask of it."""

from __future__ import annotations

from pathlib import Path

from sidecar.domains import SPECS
from sidecar.testing.magento_db import MagentoDatabase
from tests.document_calls import calls_of, section_of
from tests.harness import TAKES, ScriptedErp
from tests.pipeline import ORDER_CALLS, Pipeline


def erp_of(domain: str) -> ScriptedErp:
    """An ERP that takes orders and all events of the domain."""
    spec = next(spec for spec in SPECS if spec.name == domain)
    return ScriptedErp(subscriptions=TAKES | frozenset(spec.types))


def pipeline_of(
    domain: str, magento: MagentoDatabase, erp: ScriptedErp, folder: Path, more: str = ""
) -> Pipeline:
    """`more`: what stands in the domain's section beside what its page shows."""
    section = section_of(f"{domain}.md").rstrip("\n")
    if more:
        section = section.replace("{}", f"{{{more}}}")
    return Pipeline(
        magento,
        folder,
        calls=ORDER_CALLS + calls_of(f"{domain}.md"),
        adapter=erp,
        domains=f"{section}\n",
    )


def sent(erp: ScriptedErp) -> list[tuple[str, str]]:
    """Type and external reference of all that was pushed."""
    return [(delivery.event.type, delivery.ref) for delivery in erp.pushed]


def standing(pipeline: Pipeline, kind: str) -> list[tuple[str, str, str | None]]:
    """Type, status and what it waits for, of each event of a kind."""
    rows = pipeline.sql(
        f"SELECT type, status, waiting FROM {pipeline.sidecar.names('event')} WHERE kind = %s "
        "ORDER BY entity_id, sequence", kind,
    )  # fmt: skip
    return [(row.type, row.status, row.waiting) for row in rows]


def told(pipeline: Pipeline, table: str) -> list[str]:
    """The comments of a table of Magento's, the oldest first."""
    rows = pipeline.sql(f"SELECT comment FROM `{pipeline.magento.name}`.{table} ORDER BY entity_id")
    return [row.comment for row in rows]
