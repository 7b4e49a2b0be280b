"""A Magento shop in a private database: for tests, benchmarks and the demonstration.

    from sidecar.testing.magento_db import Line, PrivateServer, Shop, create_magento

    with PrivateServer() as server:                 # a MariaDB of one's own, in about a second
        database = create_magento(server)           # Magento's tables, reference rows, triggers
        with Shop(database) as shop:                # writes as Magento's PHP does
            placed = shop.place([Line("TEASET"), Line("SHIRT", 2, option="Red")])
            shop.invoice(placed.entity_id)
            shop.ship(placed.entity_id, qty=1)

`PrivateServer` needs the program mariadbd (apt-get install mariadb-server-core); with
`flavour=MySql.find()` it is a MySQL instead (tests/get-mysql.sh).

What can be bought is in `CATALOGUE`, who buys in `CUSTOMERS`, where in `STORES`;
`random_order(rng)` makes up the arguments of `Shop.place`.  `Shop(..., between=callback)` calls
back after every statement, so that a test can look at, or interleave with, a transaction that is
open.  `LoadedOrder` is an order as PHP holds it between loading and saving.  `load_dump` and
`replay` bring in a dump of a real shop and statements that one really ran.
"""

from sidecar.testing.magento_db.cart import Line, PricedCart, price_cart
from sidecar.testing.magento_db.catalogue import (
    ADDRESSES,
    CATALOGUE,
    COUPONS,
    CUSTOMERS,
    STORES,
    Address,
    Customer,
    Product,
)
from sidecar.testing.magento_db.dump import load_dump, replay, statements
from sidecar.testing.magento_db.mysql import MySql
from sidecar.testing.magento_db.order_acts import LoadedOrder, Remark
from sidecar.testing.magento_db.random_order import random_order
from sidecar.testing.magento_db.schema import MagentoDatabase, RunningMagento, create_magento
from sidecar.testing.magento_db.server import Flavour, MariaDb, PrivateServer
from sidecar.testing.magento_db.shipments import Document, Track
from sidecar.testing.magento_db.shop import PlacedOrder, Shop

__all__ = [
    "ADDRESSES",
    "CATALOGUE",
    "COUPONS",
    "CUSTOMERS",
    "STORES",
    "Address",
    "Customer",
    "Document",
    "Flavour",
    "Line",
    "LoadedOrder",
    "MagentoDatabase",
    "MariaDb",
    "MySql",
    "PlacedOrder",
    "PricedCart",
    "PrivateServer",
    "Product",
    "Remark",
    "RunningMagento",
    "Shop",
    "Track",
    "create_magento",
    "load_dump",
    "price_cart",
    "random_order",
    "replay",
    "statements",
]
