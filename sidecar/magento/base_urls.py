"""The addresses under which the shop is reached, as Magento's configuration has them."""

from __future__ import annotations

import sqlalchemy as sa

from sidecar.magento.live_schema import MagentoSchema
from sidecar.model.identity import bare_url


def base_urls(connection: sa.Connection, schema: MagentoSchema) -> frozenset[str]:
    """Those of every website and store view; what app/etc/env.php overrides is not seen here."""
    rows = connection.exec_driver_sql(
        f"SELECT value FROM {schema.table('core_config_data')} "
        "WHERE path IN ('web/unsecure/base_url', 'web/secure/base_url')"
    )
    return frozenset(filter(None, (bare_url(value) for (value,) in rows if value)))
