"""What of the ERP's word about one quantity may be written; pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

from sidecar.domains.stock.levels import Level, Source
from sidecar.magento.level_rows import NotTaken, plain, spelt
from sidecar.settings.inbound import RowBoundsOfStock

#: Magento sells these by what they are made of: a quantity of their own means nothing.
WITHOUT_STOCK = frozenset({"bundle", "configurable", "grouped"})
#: The column is decimal(12,4).
_STEP = Decimal("0.0001")
_BEYOND = Decimal(10) ** 8


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

    def require_level(self, sku: str, levels: dict[str, Level]) -> Level:
        """The level of this SKU, exact in its case.  Raises NotTaken."""
        level = levels.get(sku)
        if level is None:
            raise NotTaken("Magento has no such SKU", spelt(sku, levels))
        if level.type_id in WITHOUT_STOCK:
            raise NotTaken(f"a {level.type_id} product has no quantity of its own")
        return level

    def quantity(self, told: Decimal, level: Level, reserved: Decimal = Decimal(0)) -> Decimal:
        """What the quantity in Magento is to be.  Raises NotTaken.

        `reserved`: what Magento subtracts by itself of what the ERP has subtracted already.
        """
        wanted = self._whole(self._not_below_zero(_exact(told)), level) + reserved
        if wanted != level.quantity:
            self._not_a_jump(wanted, level.quantity)
        return wanted

    def _not_below_zero(self, told: Decimal) -> Decimal:
        if told < 0 and self.bounds.below_zero == "refuse":
            raise NotTaken("the quantity is below 0")
        return max(told, Decimal(0))

    def _whole(self, told: Decimal, level: Level) -> Decimal:
        if level.is_qty_decimal or told == told.to_integral_value():
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
