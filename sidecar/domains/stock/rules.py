"""What of the ERP's word about one quantity may be written; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

from sidecar.domains.stock.levels import WITHOUT_STOCK, Level, Product, Source
from sidecar.magento.level_rows import NotTaken, plain, spelt
from sidecar.settings.inbound import RowBoundsOfStock

#: The column is decimal(12,4).
_STEP = Decimal("0.0001")
_BEYOND = Decimal(10) ** 8
NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class RowRules:
    """`domains.stock.bounds.row`, applied in the order in which its parts stand here."""

    bounds: RowBoundsOfStock

    def require_source(self, code: str, sources: dict[str, Source]) -> Source:
        """The source of this code, exact in its case.  Raises NotTaken."""
        source = sources.get(code)
        if source is None:
            raise NotTaken("Magento has no such source", spelt(code, sources))
        if not source.is_enabled:
            raise NotTaken("the source is disabled in Magento")
        return source

    def stands(self, told: Decimal, level: Level | None, reserved: Decimal = NOTHING) -> bool:
        """Whether this quantity is in Magento and no rule could be against it.

        So it is with nearly all that is told; of anything else the product has to be known.
        """
        return (
            level is not None
            and told.is_finite()
            and told + reserved == level.quantity
            and told >= 0
            and told == told.to_integral_value()
        )

    def require_product(self, sku: str, products: Mapping[str, Product]) -> Product:
        """The product of this SKU, exact in its case.  Raises NotTaken."""
        product = products.get(sku)
        if product is None:
            raise NotTaken("Magento has no such SKU", spelt(sku, products))
        if product.type_id in WITHOUT_STOCK:
            raise NotTaken(f"a {product.type_id} product has no quantity of its own")
        return product

    def quantity(
        self, told: Decimal, product: Product, level: Level, reserved: Decimal = NOTHING
    ) -> Decimal:
        """What the quantity in Magento is to be.  Raises NotTaken.

        `reserved`: what Magento subtracts by itself of what the ERP has subtracted already.
        """
        wanted = self._whole(self._not_below_zero(_exact(told)), product) + reserved
        if wanted != level.quantity:
            self._not_a_jump(wanted, level.quantity)
        return wanted

    def _not_below_zero(self, told: Decimal) -> Decimal:
        if told < 0 and self.bounds.below_zero == "refuse":
            raise NotTaken("the quantity is below 0")
        return max(told, NOTHING)

    def _whole(self, told: Decimal, product: Product) -> Decimal:
        if product.is_qty_decimal or told == told.to_integral_value():
            return told
        if self.bounds.fraction == "refuse":
            raise NotTaken("a fraction of what is sold by the piece")
        return told.to_integral_value(ROUND_DOWN)

    def _not_a_jump(self, wanted: Decimal, present: Decimal) -> None:
        factor = self.bounds.factor
        if factor is not None and present >= 1 and wanted >= present * Decimal(str(factor)):
            raise NotTaken(f"{wanted / present:.0f} times the present quantity", plain(present))


def _exact(told: Decimal) -> Decimal:
    """As Magento's column can hold it."""
    if not told.is_finite() or abs(told) >= _BEYOND:
        raise NotTaken("no quantity that Magento can keep")
    return told.quantize(_STEP, ROUND_HALF_UP)
