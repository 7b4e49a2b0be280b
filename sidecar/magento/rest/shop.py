"""What the shop says of itself: its modules and addresses."""

from __future__ import annotations

import msgspec

from sidecar.magento.rest.client import NAMES, MagentoRest


class StoreConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The addresses of a store view."""

    id: int
    code: str
    base_url: str = ""
    secure_base_url: str = ""


_STORES = msgspec.json.Decoder(list[StoreConfig], strict=False)


def store_configs(magento: MagentoRest) -> list[StoreConfig]:
    """All store views."""
    return magento.get("store/storeConfigs", _STORES)


def modules(magento: MagentoRest) -> frozenset[str]:
    """The modules that are enabled."""
    names = magento.get("modules", NAMES)
    return frozenset(names)
