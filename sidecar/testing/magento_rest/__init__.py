"""Magento's REST API over a private database with Magento's tables: for tests of what calls it.

    from sidecar.testing.magento_db import PrivateServer, Shop, create_magento
    from sidecar.testing.magento_rest import MagentoRest, Misbehaviour

    with PrivateServer() as server, Shop(create_magento(server)) as shop, MagentoRest(shop) as rest:
        order = shop.place()
        rest.misbehave(Misbehaviour.DROP_AFTER, "order/*/ship")
        requests.post(f"{rest.url}/rest/V1/order/{order.entity_id}/ship", …)

or as a process over a database that runs already (`python -m sidecar.testing.magento_db`):

    python -m sidecar.testing.magento_rest --socket /tmp/…/mysqld.sock --port 8800

It has the rules of a real Magento 2.4.7, recorded call by call, and it writes the tables that
Magento writes.  docs/testing-magento-rest.md says what can be asked for and what is not imitated.
"""

from sidecar.testing.magento_rest.faults import Fault, Misbehaviour
from sidecar.testing.magento_rest.gateway import Exchange
from sidecar.testing.magento_rest.login import Integration
from sidecar.testing.magento_rest.server import ADMIN, PASSWORD, MagentoRest

__all__ = ["ADMIN", "PASSWORD", "Exchange", "Fault", "Integration", "MagentoRest", "Misbehaviour"]
