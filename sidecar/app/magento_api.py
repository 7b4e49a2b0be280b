"""The client of Magento's REST API as `shop.api` configures it."""

from __future__ import annotations

from typing import Any

from sidecar.magento.rest.client import Address, Credentials, MagentoRest
from sidecar.magento.rest.oauth import Keys
from sidecar.settings.api import Api
from sidecar.settings.origin import NOWHERE, Origin, require_files
from sidecar.settings.secrets import with_secrets

_KEY = "shop.api"


def magento_rest(api: Api, origin: Origin = NOWHERE) -> MagentoRest:
    """The client; nothing is called yet.

    Raises ConfigurationError or PermissionDenied for a secret or a file that cannot be read.
    """
    require_files(api, _KEY, origin)
    values, _ = with_secrets(api, at=_KEY, origin=origin)
    address = Address(
        api.url,
        api.store,
        api.timeout.connect.total_seconds(),
        api.timeout.read.total_seconds(),
        api.tls.ca_file,
    )
    return MagentoRest(address, _credentials(values))


def _credentials(values: dict[str, Any]) -> Credentials:
    """Of the one login that is written."""
    if "integration" in values:
        return Credentials(keys=Keys(**values["integration"]))
    if "admin" in values:
        return Credentials(**values["admin"])
    return Credentials(token=values["token"])
