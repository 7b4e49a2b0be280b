"""Products as the stations look at them (`sidecar.magento.examiner`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import sqlalchemy as sa

from sidecar.domains.products.events import PRODUCT_REMOVED, PRODUCT_SAVED
from sidecar.domains.products.payload import Product, ProductRemoved
from sidecar.domains.products.reader import ProductReader
from sidecar.domains.products.spec import SPEC
from sidecar.magento.state_examiner import StateExaminer
from sidecar.model.entity import KnownEntity, Snapshot

_ENABLED = 1


class ProductExaminer(StateExaminer):
    """A product is called by its SKU."""

    spec = SPEC
    state = PRODUCT_SAVED
    # Every save moves it, also one that changes nothing (facts: magento-flows 11).
    no_content = frozenset({"updated_at"})

    def __init__(self, reader: ProductReader) -> None:
        self._reader = reader

    def read(self, view: sa.Connection, ids: Sequence[int]) -> Mapping[int, Snapshot]:
        """See `Examiner`."""
        return {id_: snapshot(product) for id_, product in self._reader.read(view, ids).items()}

    def ids_of(self, connection: sa.Connection, number: str) -> list[int]:
        """See `Examiner`."""
        return self._reader.ids_of(connection, number)

    def payload_of(self, type_: str, snapshot: Snapshot) -> msgspec.Struct:
        """See `Examiner`."""
        if type_ == PRODUCT_REMOVED:
            return ProductRemoved(entity_id=snapshot.entity_id, sku=snapshot.number)
        return snapshot.payload

    def vanished(self, known: KnownEntity) -> tuple[str, msgspec.Struct] | None:
        """One of which the ERP was never told is nothing to it."""
        if not known.sequence:
            return None
        return PRODUCT_REMOVED, ProductRemoved(entity_id=known.entity_id, sku=known.number)

    def describe(self, snapshot: Snapshot) -> Mapping[str, object]:
        """See `Examiner`."""
        product = snapshot.payload
        if not isinstance(product, Product):
            raise TypeError(f"{snapshot.number} is no product")
        return {
            "name": product.name,
            "type_id": product.type_id,
            "enabled": "enabled" if product.status == _ENABLED else "disabled",
            "websites": ", ".join(product.websites) or "no website",
            "attribute_set": product.attribute_set,
            "updated_at": product.updated_at,
        }


def snapshot(product: Product) -> Snapshot:
    """A product with what the ledger keeps of it."""
    return Snapshot(
        entity_id=product.entity_id,
        number=product.sku,
        payload=product,
        state=product.type_id,
        made_at=product.created_at.replace(tzinfo=None, microsecond=0),
        updated_at=product.updated_at,
    )
