"""Which customers leave Magento: their group, and an attribute by which they agree."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from sidecar.domains.customers.needs import ATTRIBUTE_TABLES
from sidecar.magento.live_schema import MagentoSchema
from sidecar.model.errors import ConfigurationError
from sidecar.settings.origin import Origin, place_of

NO_CONSENT, OTHER_GROUP, OTHER_STORE = "no consent", "other group", "other store"
#: Not sent because of it → why nothing more is sent of one who was sent before.
WITHDRAWN: Mapping[str, str] = {
    NO_CONSENT: "consent was withdrawn after the customer was sent: nothing more of him is sent, "
    "and the ERP still has what it was told; 'erp-sidecar customer erase' takes it away there too",
    OTHER_GROUP: "the customer was moved into a group that is not sent "
    "(domains.customers.only.groups): nothing more of him is sent, and the ERP still has what it "
    "was told",
    OTHER_STORE: "the customer is of a website that is not carried any more "
    "(domains.orders.only): nothing more of him is sent",
}
_NO = frozenset({"", "0", "no", "false"})
_STATIC = "static"


@dataclass(frozen=True, slots=True)
class Only:
    """`groups`: codes, none: all; `consent`: the attribute's code, None: it is not asked for."""

    groups: tuple[str, ...] = ()
    consent: str | None = None

    def left_out(self, group_code: str | None, consent: str | None) -> str:
        """Why a customer is not sent; empty where he is."""
        if self.groups and group_code not in self.groups:
            return OTHER_GROUP
        if self.consent is not None and (consent or "").strip().casefold() in _NO:
            return NO_CONSENT
        return ""

    def value(self, schema: MagentoSchema) -> str:
        """SQL for the attribute's value of customer `c`, a text or NULL."""
        if self.consent is None:
            return "NULL"
        if schema.has_column("customer_entity", self.consent):
            return f"CAST(c.`{self.consent}` AS CHAR)"
        found = ", ".join(_value_in(schema, table) for table in ATTRIBUTE_TABLES)
        return f"COALESCE({found})"

    def require_known(
        self, connection: sa.Connection, schema: MagentoSchema, origin: Origin
    ) -> None:
        """Raise ConfigurationError for a group or an attribute that the shop does not have.

        With a misspelt one nobody would be sent, without a word.
        """
        rows = connection.exec_driver_sql(
            f"SELECT customer_group_code FROM {schema.table('customer_group')}"
        )
        _require(self.groups, {str(row[0]) for row in rows}, "groups", "group", origin)
        if self.consent is None:
            return
        rows = connection.exec_driver_sql(
            f"SELECT a.attribute_code, a.backend_type FROM {schema.table('eav_attribute')} a "
            f"JOIN {schema.table('eav_entity_type')} t ON t.entity_type_id = a.entity_type_id "
            "WHERE t.entity_type_code = 'customer'"
        )
        readable = {_STATIC, *(table.rpartition("_")[2] for table in ATTRIBUTE_TABLES)}
        codes = {str(code) for code, type_ in rows if type_ in readable}
        _require((self.consent,), codes, "consent", "customer attribute", origin)


def _value_in(schema: MagentoSchema, table: str) -> str:
    return (
        f"(SELECT CAST(v.value AS CHAR) FROM {schema.table(table)} v "
        f"JOIN {schema.table('eav_attribute')} a ON a.attribute_id = v.attribute_id "
        f"JOIN {schema.table('eav_entity_type')} t ON t.entity_type_id = a.entity_type_id "
        "WHERE v.entity_id = c.entity_id AND a.attribute_code = %(consent)s "
        "AND t.entity_type_code = 'customer' LIMIT 1)"
    )


def _require(
    named: Collection[str], known: Collection[str], key: str, what: str, origin: Origin
) -> None:
    for code in named:
        if code not in known:
            raise ConfigurationError(
                f"{place_of(f'domains.customers.only.{key}', origin)}: the shop has no {what} "
                f"{code!r}",
                f"there are {', '.join(sorted(known)) or 'none at all'}",
            )
