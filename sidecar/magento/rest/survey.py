"""What can be seen of the API without changing anything: login, rights, modules, address, clock.

A right is seen by asking: Magento looks at rights before it looks at anything else, so a writing
call about order 0, which no shop has, is answered 401 without the right, and else refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sidecar.magento.rest.answer import moment_of
from sidecar.magento.rest.client import WHATEVER, MagentoRest
from sidecar.magento.rest.errors import MagentoRefused, MagentoUnknown, NotAuthorised
from sidecar.magento.rest.shop import StoreConfig, modules, store_configs
from sidecar.model.errors import ConfigurationError, NotUnderstood, SidecarError

_ONE = (("searchCriteria[pageSize]", "1"), ("fields", "total_count"))
_Asked = tuple[str, str, Mapping[str, Any] | None]

#: What each right is for, and a harmless call that needs it.
RIGHTS: Mapping[str, tuple[str, _Asked]] = {
    "Magento_Sales::actions_view": ("reading orders", ("GET", "orders", None)),
    "Magento_Sales::ship": ("making shipments", ("POST", "order/0/ship", {})),
    "Magento_Sales::shipment": ("reading shipments, adding tracks", ("GET", "shipments", None)),
    "Magento_Sales::invoice": ("making invoices", ("POST", "order/0/invoice", {})),
    "Magento_Sales::sales_invoice": (
        "reading invoices, refunding them", ("GET", "invoices", None),
    ),
    "Magento_Sales::creditmemo": ("making credit memos", ("POST", "order/0/refund", {})),
    "Magento_Sales::sales_creditmemo": ("reading credit memos", ("GET", "creditmemos", None)),
    "Magento_Sales::comment": ("comments", ("POST", "orders/0/comments", {})),
    "Magento_Sales::hold": ("holding orders", ("POST", "orders/0/hold", None)),
    "Magento_Sales::unhold": ("releasing orders", ("POST", "orders/0/unhold", None)),
    "Magento_Sales::cancel": ("canceling orders", ("POST", "orders/0/cancel", None)),
    "Magento_InventoryApi::source": ("stock", ("GET", "inventory/source-items", None)),
    "Magento_Catalog::catalog": (
        "prices", ("POST", "products/base-prices-information", {"skus": []}),
    ),
    "Magento_Backend::store": ("telling which shop it is", ("GET", "store/storeConfigs", None)),
}  # fmt: skip
#: Without its module there is no such right, and no stock by source.
_INVENTORY = "Magento_InventoryApi::source"


@dataclass(frozen=True, slots=True)
class Survey:
    """What was seen; None for what could not be asked, as a right was missing.

    `ahead`: by how much the shop's clock is ahead of this machine's.  `missing`: rights that are,
    each with what it is for.
    """

    ahead: timedelta | None
    missing: Mapping[str, str]
    modules: frozenset[str] | None
    stores: tuple[StoreConfig, ...] | None

    @property
    def nothing_is_granted(self) -> bool:
        """Every call was refused: it is the login."""
        return len(self.missing) == len(RIGHTS)


def survey(magento: MagentoRest) -> Survey:
    """Look.  Raises what says that the API cannot be used: not reached, no API, no token."""
    before = datetime.now(UTC)
    headers = magento.whatever("store/storeConfigs").headers
    after = datetime.now(UTC)
    told = moment_of(headers)
    ahead = None if told is None else told - (before + (after - before) / 2)
    # The first of these raises where something else than Magento's REST API answers.
    missing = {
        right: purpose
        for right, (purpose, asked) in RIGHTS.items()
        if not _granted(magento, right, asked)
    }
    return Survey(ahead, missing, _modules(magento), _stores(magento))


def _granted(magento: MagentoRest, right: str, asked: _Asked) -> bool:
    method, path, body = asked
    try:
        if method == "GET":
            magento.get(path, WHATEVER, _ONE)
        else:
            magento.ask(path, body, WHATEVER)
    except NotAuthorised:
        return False
    except MagentoRefused:
        return True
    except MagentoUnknown:
        if method == "GET":
            raise
        return True  # a fault over an order that is not there: the right is
    except ConfigurationError:
        if right != _INVENTORY:
            raise
    return True


def _modules(magento: MagentoRest) -> frozenset[str] | None:
    try:
        return modules(magento)
    except (NotAuthorised, NotUnderstood):
        return None


def _stores(magento: MagentoRest) -> tuple[StoreConfig, ...] | None:
    try:
        return tuple(store_configs(magento))
    except NotAuthorised:
        return None


def looked(magento: MagentoRest) -> Survey | SidecarError:
    """The survey, or why there is none."""
    try:
        return survey(magento)
    except SidecarError as error:
        return error
