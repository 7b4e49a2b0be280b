"""Magento: its tables, its registry of statuses, and modes that change what can be expected."""

from __future__ import annotations

from collections.abc import Iterator

from sidecar.capture.trigger_plan import changelogs
from sidecar.doctor.check import Check, Observation
from sidecar.doctor.examined import ExaminedInstallation, listed
from sidecar.domains.orders.shared_numbers import shared_references
from sidecar.domains.orders.statuses import missing
from sidecar.model.errors import PermissionDenied
from sidecar.model.reference import Reference

_INSTALL = "erp-sidecar install --user root --password-file /root/.db-password"
_NEWEST = 1000
_ASYNC_GRID = "dev/grid/async_indexing"


def _tables(examined: ExaminedInstallation) -> Iterator[Observation]:
    error = examined.refusal("magento")
    if error and not isinstance(error, PermissionDenied):
        yield Observation(error.message, error.remedy)


def _statuses(examined: ExaminedInstallation) -> Iterator[Observation]:
    with examined.database.transaction("looking at order statuses") as connection:
        lacking = missing(connection, examined.magento, examined.sidecar.own_statuses)
    if lacking:
        yield Observation(f"Magento's registry lacks {listed(lacking)}", _INSTALL)


def _no_mview(examined: ExaminedInstallation) -> Iterator[Observation]:
    examined.need("magento")  # in another schema no trigger means nothing
    wanted = examined.configuration.settings.capture.triggers
    if wanted and not any(changelogs(trigger) for trigger in examined.live.triggers):
        examined.need_all_tables()
        yield Observation("every indexer is on Update on Save: Magento has no triggers of its own")


def _async_grid(examined: ExaminedInstallation) -> Iterator[Observation]:
    magento = examined.magento
    if not magento.has_table("core_config_data"):
        return
    if examined.ask(
        f"SELECT 1 FROM {magento.table('core_config_data')} WHERE path = %s AND value = '1'",
        _ASYNC_GRID,
        database=examined.database,
    ):
        yield Observation(f"{_ASYNC_GRID} is on")


def _legacy_stock(examined: ExaminedInstallation) -> Iterator[Observation]:
    if not examined.whole_magento.has_multi_source_inventory:
        examined.need_all_tables()
        yield Observation("the tables of Multi Source Inventory are not there")


def _number_taken(examined: ExaminedInstallation) -> Iterator[Observation]:
    if examined.configuration.settings.domains.orders.acknowledge.number == "none":
        return
    names, orders = examined.ledger.names, examined.magento.table("sales_order")
    rows = examined.ask(
        f"SELECT COUNT(*) FROM (SELECT entity_id, ext_order_id FROM {orders} "
        f"ORDER BY entity_id DESC LIMIT {_NEWEST}) o LEFT JOIN {names('entity')} e "
        "ON e.kind = 'order' AND e.entity_id = o.entity_id WHERE o.ext_order_id <> '' "
        "AND (e.our_number IS NULL OR BINARY e.our_number <> BINARY o.ext_order_id)",
        database=examined.database,
    )
    if count := rows[0][0]:
        yield Observation(
            f"{count} of the newest {_NEWEST} orders have a number there that is not ours"
        )


def _nothing_sent(examined: ExaminedInstallation) -> Iterator[Observation]:
    examined.need("ledger")
    examined.need("magento")
    judgement = examined.sidecar.identification.look().judgement
    if not judgement.may_send:
        yield Observation(f"nothing is sent: {judgement.why}", judgement.remedy)


def _shared_numbers(examined: ExaminedInstallation) -> Iterator[Observation]:
    reference = Reference(examined.configuration.settings.domains.orders.ref)
    with examined.database.transaction("looking for shared numbers") as connection:
        shared = shared_references(connection, examined.magento, reference)
    if shared:
        yield Observation(
            f"several orders would be one to the ERP by domains.orders.ref '{reference.template}': "
            f"{listed(shared)}"
        )


CHECKS = (
    Check(
        id="nothing-is-sent",
        severity="error",
        title="it is not certain which system this is, so nothing is sent",
        cause="The database was copied, moved, renamed, or restored from a backup "
        "([clone guard](clone-guard.md)).",
        symptom="`identity.sending_stopped` in the log; orders are taken in and wait.",
        remedy="`erp-sidecar identity show`, then `identity accept` or `identity is-copy`.",
        look=_nothing_sent,
    ),
    Check(
        id="number-column-taken",
        severity="warning",
        title="another system keeps its numbers in the column for the ERP's",
        cause="A payment module or an integration uses `sales_order.ext_order_id`.",
        symptom="Of such orders the ERP's number stands in the comment only; theirs is left alone.",
        remedy="`acknowledge.number: none` in the configuration, so that the column is theirs.",
        look=_number_taken,
    ),
    Check(
        id="magento-not-found",
        severity="error",
        title="the schema is not Magento 2's as configured",
        cause="`shop.database.name` or `table_prefix` is wrong, or a `setup:upgrade` broke off.",
        symptom="Exit code 78 at start.",
        remedy="Compare both with Magento's app/etc/env.php (db/table_prefix).",
        look=_tables,
    ),
    Check(
        id="status-unregistered",
        severity="error",
        title="an order status that answers are written with is not registered in Magento",
        cause="Not installed yet, the configuration names a new status, or somebody removed it or "
        "its assignment to a state.",
        symptom="Orders vanish from the customer's list, the admin shows no label.",
        remedy=f"`{_INSTALL}` registers what is missing.",
        look=_statuses,
    ),
    Check(
        id="numbers-shared",
        severity="warning",
        title="several orders have one external reference",
        cause="Stores share numbers (Magento's are unique within a store only), orders were "
        "imported, or a sequence was set back.",
        symptom="The younger order of each pair waits, parked with `number_taken`, unsent: the ERP "
        "would take it for the older one.",
        remedy="Set `domains.orders.ref`, to `'{store_id}-{increment_id}'` for one, let the file "
        "of calls send `=ref`, reload, then `erp-sidecar queue requeue NUMBER` what waits. Orders "
        "that are booked keep the reference they were booked under.",
        look=_shared_numbers,
    ),
    Check(
        id="mview-off",
        severity="info",
        title="Magento has no triggers of its own",
        cause="Every indexer is on *Update on Save*, and no data exporter is installed.",
        symptom="Magento's database user cannot be learnt from them: our triggers run as the "
        "user that installs.",
        remedy="`erp-sidecar install --magento-root PATH`.",
        look=_no_mview,
    ),
    Check(
        id="grid-async",
        severity="info",
        title="Magento's order grid is filled asynchronously",
        cause="`dev/grid/async_indexing` is on.",
        symptom="The grid shows an answer of the ERP later than the order's page.",
        remedy="None is needed; it wants Magento's cron to run (`bin/magento cron:run`).",
        look=_async_grid,
    ),
    Check(
        id="stock-legacy",
        severity="info",
        title="Magento's stock is the old one, without sources",
        cause="The modules of Multi Source Inventory were removed.",
        symptom="Orders have no pickup location and no source.",
        remedy="None is needed.",
        look=_legacy_stock,
    ),
)
