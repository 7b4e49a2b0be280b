"""What SAP tells by itself: material stock, outbound deliveries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from sidecar.testing.erpsim.conduct import Conduct, changed_form, spoiled
from sidecar.testing.erpsim.news_books import DeliveryNote, NewsBooks, StockLevel
from sidecar.testing.erpsim.news_books import Told as News
from sidecar.testing.erpsim.rules import Operation, Strikes
from sidecar.testing.erpsim.sap.answers import listed, row_of
from sidecar.testing.erpsim.sap.entities import DELIVERY, STOCK, Entity
from sidecar.testing.erpsim.sap.errors import NOT_FOUND, SapError
from sidecar.testing.erpsim.sap.face import Asked, Told, Wanted
from sidecar.testing.erpsim.sap.queries import read_query
from sidecar.testing.erpsim.wire import Request

#: The plant of this ERP, whatever a warehouse is called; a warehouse is a storage location.
PLANT = "1010"
_SHIPPED = "C"


class ToldService:
    """Rows of one entity, read only; see `sidecar.testing.erpsim.sap.face.SapService`."""

    version = 2

    def __init__(self, conduct: Conduct, books: NewsBooks, entity: Entity) -> None:
        self._conduct = conduct
        self._books = books
        self._entity = entity

    def wanted(self, request: Request, path: str) -> Wanted:
        """See `SapService`."""
        if request.method != "GET" or path != f"/{self._entity.name}":
            raise SapError(404, NOT_FOUND, f"Resource not found: {request.method} {path}")
        return Wanted(Operation.LIST)

    def act(self, asked: Asked, faults: Strikes) -> Told:
        """See `SapService`."""
        query = read_query(asked.request.query)
        rows = [row for row in self._rows() if all(term.holds(row) for term in query.terms)]
        page = self._conduct.page(rows, query.page, faults)
        told = [spoiled(row_of(self._entity, row, asked, query), faults) for row in page.rows]
        if changed_form(faults) is not None:
            told = [{f"Old{name}": value for name, value in row.items()} for row in told]
        return listed(told, page.next, asked, self.version)

    def _rows(self) -> Sequence[Mapping[str, Any]]:
        raise NotImplementedError


class StockService(ToldService):
    """What lies in the storage locations, a batch a row; blocked stock and consignment beside."""

    def __init__(self, conduct: Conduct, books: NewsBooks) -> None:
        super().__init__(conduct, books, STOCK)

    def _rows(self) -> Sequence[Mapping[str, Any]]:
        by_material: dict[str, list[dict[str, Any]]] = {}
        for level in self._books.stock():
            by_material.setdefault(level.sku, []).extend(_batches(level))
        return [
            {"Material": sku, "MaterialBaseUnit": "PC", "to_MatlStkInAcctMod": rows}
            for sku, rows in by_material.items()
        ]


def _batches(level: StockLevel) -> list[dict[str, Any]]:
    """The level in two batches, and what must not be counted beside it."""
    first = (level.quantity / 2).quantize(Decimal("0.0001"))
    told = {
        "Material": level.sku,
        "Plant": PLANT,
        "StorageLocation": level.warehouse,
        "MaterialBaseUnit": "PC",
    }
    return [
        {
            **told,
            "Batch": batch,
            "InventoryStockType": kind,
            "InventorySpecialStockType": special,
            "MatlWrhsStkQtyInMatlBaseUnit": quantity,
        }
        for batch, kind, special, quantity in (
            ("B1", "01", "", first),
            ("B2", "01", "", level.quantity - first),
            ("B1", "07", "", Decimal(100)),
            ("B1", "01", "K", Decimal(50)),
        )
    ]


class DeliveryService(ToldService):
    """Deliveries whose goods were issued."""

    def __init__(self, conduct: Conduct, books: NewsBooks) -> None:
        super().__init__(conduct, books, DELIVERY)

    def _rows(self) -> Sequence[Mapping[str, Any]]:
        return [
            _delivery(told, told.entry)
            for told in self._books.entries(DeliveryNote)
            if isinstance(told.entry, DeliveryNote)
        ]


def _delivery(told: News, note: DeliveryNote) -> dict[str, Any]:
    return {
        "DeliveryDocument": note.number,
        "OverallGoodsMovementStatus": _SHIPPED,
        "ActualGoodsMovementDate": told.changed.date(),
        "to_DeliveryDocumentItem": [
            {
                "DeliveryDocument": note.number,
                "DeliveryDocumentItem": str(index * 10),
                "Material": line.sku,
                "Plant": PLANT,
                "ReferenceSDDocument": note.order,
                "ActualDeliveryQuantity": line.quantity,
            }
            for index, line in enumerate(note.lines, start=1)
        ],
        "to_HandlingUnitHeaderDelivery": [
            {"HandlingUnitInternalId": str(index), "HandlingUnitExternalId": parcel.number}
            for index, parcel in enumerate(note.parcels, start=1)
        ],
    }
