"""Customers as the stations look at them (`sidecar.magento.examiner`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import sqlalchemy as sa

from sidecar.domains.customers.consent import WITHDRAWN
from sidecar.domains.customers.events import CUSTOMER_ERASED, CUSTOMER_SAVED
from sidecar.domains.customers.payload import Customer, CustomerErased
from sidecar.domains.customers.reader import CustomerReader, Found
from sidecar.domains.customers.spec import A_GUEST, REGISTERED, SPEC
from sidecar.magento.live_schema import MagentoSchema
from sidecar.model.digest import digest
from sidecar.model.entity import Comparison, KnownEntity, Snapshot, is_changed
from sidecar.model.guest import GUESTS_FROM

#: Bumped when the payload's fields change: a fingerprint of another generation is replaced in
#: silence.
_GENERATION = "1"
#: A login writes it too.
_NO_CONTENT = frozenset({"updated_at"})
_NOTHING = Comparison(())


class CustomerExaminer:
    """A customer has no number: he is called by his id, and never by anything of his person."""

    spec = SPEC

    def __init__(self, reader: CustomerReader, schema: MagentoSchema) -> None:
        self._reader = reader
        self._outline = (
            f"SELECT entity_id, updated_at FROM {schema.table('customer_entity')} "
            "WHERE entity_id = %(id)s"
        )

    def read(self, view: sa.Connection, ids: Sequence[int]) -> Mapping[int, Snapshot]:
        """See `Examiner`."""
        found = self._reader.read(view, ids)
        return {entity_id: snapshot(one) for entity_id, one in found.items()}

    def outline(self, connection: sa.Connection, entity_id: int) -> Snapshot | None:
        """See `Examiner`."""
        row = connection.exec_driver_sql(self._outline, {"id": entity_id}).first()
        if row is None and entity_id < GUESTS_FROM:
            return None
        return Snapshot(
            entity_id=entity_id,
            number=str(entity_id),
            payload=Customer(entity_id=entity_id),
            state=A_GUEST if row is None else REGISTERED,
            updated_at=row.updated_at if row else None,
        )

    def compare(
        self, known: KnownEntity | None, snapshot: Snapshot, broken: Sequence[str]
    ) -> Comparison:
        """See `Examiner`."""
        saved = (CUSTOMER_SAVED,)
        if known is None:
            return Comparison(saved)
        now = self.fingerprint(snapshot, broken)
        changed = known.vanished or is_changed(known.fingerprint, now)
        is_another = known.made_at not in (None, snapshot.made_at)
        if changed and is_another and snapshot.state == REGISTERED:
            return Comparison(saved, another=True)
        if snapshot.status:
            # Once, so that a person hears of it (`problems` parks it).
            return _NOTHING if known.status else Comparison(saved)
        return Comparison(saved) if changed else _NOTHING

    def fingerprint(self, snapshot: Snapshot, broken: Sequence[str]) -> str:
        """See `Examiner`."""
        content = {
            name: value
            for name, value in msgspec.to_builtins(snapshot.payload).items()
            if name not in _NO_CONTENT
        }
        told = [content, snapshot.status, *broken]
        return f"{_GENERATION}:{digest(told)}"

    def problems(self, snapshot: Snapshot, *, as_is: bool) -> list[str]:
        """Why he must not go; no operator's word replaces a consent."""
        if snapshot.status:
            return [WITHDRAWN[snapshot.status]]
        return [snapshot.facts] if snapshot.facts and not as_is else []

    def tolerated(self, _snapshot: Snapshot) -> list[str]:
        """See `Examiner`: a customer has no sums."""
        return []

    def vanished(self, known: KnownEntity) -> tuple[str, msgspec.Struct] | None:
        """One of whom the ERP was never told is nothing to it."""
        if not known.sequence or known.entity_id >= GUESTS_FROM:
            return None
        return CUSTOMER_ERASED, CustomerErased(entity_id=known.entity_id)

    def ids_of(self, connection: sa.Connection, number: str) -> list[int]:
        """By the id, or by the e-mail address."""
        return self._reader.ids_of(connection, number)

    def payload_of(self, type_: str, snapshot: Snapshot) -> msgspec.Struct:
        """See `Examiner`."""
        if type_ == CUSTOMER_ERASED:
            return CustomerErased(entity_id=snapshot.entity_id)
        return snapshot.payload

    def describe(self, snapshot: Snapshot) -> Mapping[str, object]:
        """Nothing of the person: what may not leave Magento may not stand on a screen either."""
        customer = snapshot.payload
        if not isinstance(customer, Customer):
            raise TypeError(f"customer {snapshot.number} is no customer")
        return {
            "state": snapshot.state,
            "group_id": customer.group_id,
            "website_code": customer.website_code,
            "addresses": len(customer.addresses),
            "created_at": snapshot.made_at,
            "updated_at": snapshot.updated_at,
            "left_out": f"; not sent: {snapshot.status}" if snapshot.status else "",
        }

    def of_unread(self, _known: KnownEntity | None, _outline: Snapshot) -> str:
        """See `Examiner`."""
        return CUSTOMER_SAVED


def snapshot(found: Found) -> Snapshot:
    """A customer with what the ledger keeps of him."""
    customer = found.customer
    return Snapshot(
        entity_id=customer.entity_id,
        number=str(customer.entity_id),
        payload=customer,
        state=A_GUEST if customer.is_guest else REGISTERED,
        status=found.left_out,
        store_id=found.store_id,
        made_at=found.made_at.replace(tzinfo=None) if found.made_at else None,
        updated_at=found.updated_at,
        mark=found.mark,
        facts=_namesake(found),
        is_carried=not found.left_out,
    )


def _namesake(found: Found) -> str | None:
    """In words, that the ERP may know this person already: nobody is made twice in silence."""
    if found.namesake is None:
        return None
    other = (
        f"customer {found.namesake}, who has an account"
        if found.customer.is_guest
        else f"customer {found.namesake}, who ordered as a guest"
    )
    return (
        f"the same e-mail address and website has {other}: sent as he is, this one becomes another "
        "customer of the ERP; merge them there and drop this one, or release it"
    )
