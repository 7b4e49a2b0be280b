"""What the contract tests share.

The kit is shipped as modules; their assertions are explained as those of a test file are.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sidecar.testing.magento_db import PrivateServer, Shop, create_magento
from sidecar.testing.magento_rest import MagentoRest
from tests.contract.magento_rest_bench import RestBench

pytest.register_assert_rewrite(
    "sidecar.testing.adapter_contract",
    "sidecar.testing.answers_contract",
    "sidecar.testing.contract_calls",
    "sidecar.testing.doubt_contract",
    "sidecar.testing.figures_contract",
    "sidecar.testing.questions_contract",
    "sidecar.testing.telling_contract",
    "sidecar.testing.wire_contract",
)


@pytest.fixture(params=["ours", pytest.param("NetSuite's", marks=pytest.mark.shared)])
def netsuite_wsdl(request: pytest.FixtureRequest) -> Path:
    """The reduced WSDL of the tests, and the one that NetSuite hands out."""
    if request.param == "ours":
        return Path(__file__).parent / "wsdl" / "suitetalk.wsdl"
    shared: Path = request.getfixturevalue("shared")
    path = shared / "contracts" / "netsuite" / "2023_2" / "netsuite.wsdl"
    if not path.is_file():
        pytest.skip(f"NetSuite's WSDL is not here ({path})")
    return path


@pytest.fixture(scope="module")
def rest(server: PrivateServer, request: pytest.FixtureRequest) -> Iterator[RestBench]:
    """A shop with its REST API; the tests of one file share it and place orders of their own."""
    database = create_magento(server, request.module.__name__.rpartition(".")[2])
    with Shop(database) as shop, MagentoRest(shop) as served:
        yield RestBench(shop, served)
    database.drop()
