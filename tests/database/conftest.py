"""Fixtures of the tests that need a database and a sidecar; one schema per module, for speed."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from sidecar.testing.magento_db import MagentoDatabase, PrivateServer, Shop, create_magento
from tests.harness import Beside, LedgerBench, bare_ledger, sidecar_beside

_numbers = count(1)


@pytest.fixture(scope="module")
def empty_schema(server: PrivateServer) -> Iterator[MagentoDatabase]:
    """A schema without any table."""
    schema = MagentoDatabase(server, f"empty_{next(_numbers)}")
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {schema.name}")
    yield schema
    schema.drop()


@pytest.fixture(scope="module")
def module_ledger(empty_schema: MagentoDatabase) -> Iterator[LedgerBench]:
    with bare_ledger(empty_schema) as bench:
        yield bench


@pytest.fixture
def ledger(module_ledger: LedgerBench) -> LedgerBench:
    """A ledger without memory."""
    module_ledger.wipe()
    return module_ledger


@pytest.fixture(scope="module")
def module_beside(server: PrivateServer) -> Iterator[Beside]:
    magento = create_magento(server, f"beside_{next(_numbers)}")
    with sidecar_beside(magento) as beside:
        yield beside
    magento.drop()


@pytest.fixture
def beside(module_beside: Beside) -> Beside:
    """A sidecar without triggers beside a shop without orders."""
    module_beside.empty()
    return module_beside


@pytest.fixture
def php(beside: Beside) -> Iterator[Shop]:
    """Writes into the shop of `beside` as Magento does."""
    with Shop(beside.magento) as shop:
        yield shop
