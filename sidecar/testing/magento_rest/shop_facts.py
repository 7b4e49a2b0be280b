"""What a client asks a shop about itself: stores, modules."""

from __future__ import annotations

from sidecar.testing.magento_db.session import Session
from sidecar.testing.magento_rest.route import Call, Route
from sidecar.testing.magento_rest.values import Json

_SHOWN = {
    "locale": "general/locale/code",
    "base_currency_code": "currency/options/base",
    "default_display_currency_code": "currency/options/default",
    "timezone": "general/locale/timezone",
    "base_url": "web/unsecure/base_url",
    "secure_base_url": "web/secure/base_url",
}


def store_configs(call: Call) -> list[Json]:
    """`store/storeConfigs`: every store view with its settings."""
    session = call.shop.session
    stores = session.select(
        f"SELECT * FROM {session.table('store')} WHERE store_id > 0 ORDER BY store_id"
    )
    settings = _settings(session)
    return [
        {
            "id": store["store_id"],
            "code": store["code"],
            "website_id": store["website_id"],
            **{
                name: settings.get(("stores", store["store_id"], path))
                or settings.get(("websites", store["website_id"], path))
                or settings.get(("default", 0, path), "")
                for name, path in _SHOWN.items()
            },
            "weight_unit": "kgs",
        }
        for store in stores
    ]


def _settings(session: Session) -> dict[tuple[str, int, str], str]:
    rows = session.select(
        f"SELECT scope, scope_id, path, value FROM {session.table('core_config_data')}"
    )
    return {(row["scope"], row["scope_id"], row["path"]): row["value"] for row in rows}


def modules(call: Call) -> list[str]:
    """`modules`: the names of those that are installed."""
    session = call.shop.session
    rows = session.select(f"SELECT module FROM {session.table('setup_module')} ORDER BY module")
    return [row["module"] for row in rows]


ROUTES = (
    Route("GET", "store/storeConfigs", "Magento_Backend::store", store_configs),
    Route("GET", "modules", "Magento_Backend::admin", modules),
)
