"""A shop whose ERP tells by itself, and Magento's own API before it: for each test anew."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sidecar.testing.magento_db import MagentoDatabase, PrivateServer, Shop, create_magento
from sidecar.testing.magento_rest import MagentoRest
from tests.harness import TellingErp


@pytest.fixture
def magento(server: PrivateServer, request: pytest.FixtureRequest) -> Iterator[MagentoDatabase]:
    magento = create_magento(server, request.module.__name__.rpartition(".")[2])
    yield magento
    magento.drop()


@pytest.fixture
def erp() -> TellingErp:
    return TellingErp()


@pytest.fixture
def php(magento: MagentoDatabase) -> Iterator[Shop]:
    with Shop(magento) as shop:
        yield shop


@pytest.fixture
def rest(php: Shop) -> Iterator[MagentoRest]:
    with MagentoRest(php) as rest:
        yield rest
