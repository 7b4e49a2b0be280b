"""Which stores a domain is limited to, by the codes of stores and websites."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from sidecar.magento.live_schema import MagentoSchema
from sidecar.model.errors import ConfigurationError


class StoreLimit:
    """`stores` and `websites` are codes; a store of either counts, and without any, every store.

    Looked up in the view in which the entities are read: a store that was made a moment ago counts.
    """

    def __init__(
        self, schema: MagentoSchema, stores: Collection[str] = (), websites: Collection[str] = ()
    ) -> None:
        self._codes = {"stores": tuple(stores) or ("",), "websites": tuple(websites) or ("",)}
        self._is_set = bool(stores or websites)
        joined = (
            f"FROM {schema.table('store')} s "
            f"JOIN {schema.table('store_website')} w ON w.website_id = s.website_id"
        )
        self._ids = (
            f"SELECT s.store_id {joined} WHERE s.code IN %(stores)s OR w.code IN %(websites)s"
        )
        self._all = f"SELECT s.code, w.code {joined} WHERE w.code <> 'admin'"

    def takes(self, view: sa.Connection) -> Collection[int] | None:
        """The ids of the stores that are taken; None: all, also those that are deleted."""
        if not self._is_set:
            return None
        return {int(row[0]) for row in view.exec_driver_sql(self._ids, self._codes)}

    def require_known(self, connection: sa.Connection, place: str) -> None:
        """Raise ConfigurationError for a code that the shop does not have; `place`: of `only`."""
        if not self._is_set:
            return
        rows = connection.exec_driver_sql(self._all).all()
        known = {"stores": {row[0] for row in rows}, "websites": {row[1] for row in rows}}
        for what, codes in self._codes.items():
            for code in filter(None, codes):
                if code not in known[what]:
                    raise ConfigurationError(
                        f"{place}.{what}: the shop has no {what[:-1]} {code!r}",
                        f"there are {', '.join(sorted(known[what]))}",
                    )


def is_taken(store_id: int | None, taken: Collection[int] | None) -> bool:
    """Whether an entity of this store is carried, where `taken` are (`StoreLimit.takes`)."""
    return taken is None or store_id in taken
