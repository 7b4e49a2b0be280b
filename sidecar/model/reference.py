"""The external reference: the name under which an ERP knows an order, and is asked for it.

By default the order's number.  Magento's numbers are unique within a store only, so a shop whose
stores share numbers puts the store into it (`domains.orders.ref`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from string import Formatter

from sidecar.model.settlement import NUMBER_TAKEN, Obstacle

NUMBER = "{increment_id}"
#: What never changes in an order (a number may, docs/decisions/0027, but not once it is booked).
FIELDS = ("increment_id", "store_id", "entity_id")
#: `event.ref` and `link.ref`.
_LONGEST = 100


class Reference:
    """A template over `FIELDS`.  Raises ValueError for anything else."""

    def __init__(self, template: str = NUMBER) -> None:
        self.parts = parts(template)
        self.template = template

    def of(self, entity_id: int, increment_id: str, store_id: int | None) -> str:
        """The order's reference; an order whose store is not known has nothing in its place."""
        values = {"entity_id": entity_id, "increment_id": increment_id, "store_id": store_id}
        named = {name: "" if value is None else str(value) for name, value in values.items()}
        return self.template.format_map(named)[:_LONGEST]


def parts(template: str) -> tuple[tuple[str, str | None], ...]:
    """(text, field after it) of a template, in order.  Raises ValueError."""
    found = []
    for text, name, form, conversion in Formatter().parse(template):
        if name is not None and name not in FIELDS:
            raise ValueError(f"'{{{name}}}' is none of {', '.join(FIELDS)}")
        if form or conversion:
            raise ValueError(f"'{{{name}}}' must stand alone, without ':' or '!'")
        found.append((text, name))
    if not {"increment_id", "entity_id"} & {name for _, name in found}:
        raise ValueError("names neither {increment_id} nor {entity_id}: all orders would be one")
    return tuple(found)


def taken(
    refs: Mapping[int, tuple[int, str, str]],
    holders: Iterable[tuple[str, int, str]],
    namesakes: Iterable[tuple[str, int]],
) -> dict[int, Obstacle]:
    """Which placements must not go, because their reference is another order's.

    `refs`: event → (entity, number, reference) of what is to be placed; `holders`: (reference,
    entity, document) of all that was booked under one of them; `namesakes`: (reference, entity) of
    all orders that have one of them.  An order gives way to those that have a document, and to
    older ones: the ERP may hold them from before the sidecar.
    """
    documents: dict[str, list[tuple[int, str]]] = {}
    for ref, entity_id, document in holders:
        documents.setdefault(ref.casefold(), []).append((entity_id, document))
    orders: dict[str, list[int]] = {}
    for ref, entity_id in namesakes:
        orders.setdefault(ref.casefold(), []).append(entity_id)
    found: dict[int, Obstacle] = {}
    for event, (entity_id, number, ref) in refs.items():
        booked = [one for one in documents.get(ref.casefold(), ()) if one[0] != entity_id]
        older = [one for one in orders.get(ref.casefold(), ()) if one < entity_id]
        if booked:
            found[event] = _obstacle(
                number, ref, f"{booked[0][1]} was booked under it", booked[0][0]
            )
        elif older:
            found[event] = _obstacle(number, ref, "is older", older[0])
    return found


def _obstacle(number: str, ref: str, why: str, entity_id: int) -> Obstacle:
    return Obstacle(
        f"the ERP would know it as '{ref}', which is another order's reference too (order with "
        f"entity_id {entity_id}: {why}): it would be taken for the same order; nothing was sent",
        "where stores share numbers set domains.orders.ref, '{store_id}-{increment_id}' for one, "
        "and reload; or free the number in the ERP; then "
        f"'erp-sidecar queue requeue {number}': the ERP is asked before it is sent",
        NUMBER_TAKEN,
    )
