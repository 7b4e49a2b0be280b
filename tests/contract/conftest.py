"""What the contract tests share.

The kit is shipped as modules; their assertions are explained as those of a test file are.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from zlib import crc32

import pytest

from sidecar.testing.contract_domain import ContractDomain
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


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Make each of the kit's tests with an adapter's first domain and one more, not with all.

    The calls of two domains differ in names only.  Which one more is drawn anew for each test and
    adapter, so that every domain meets a part of the tests; `make contract` makes them all.
    """
    if "ERP_SIDECAR_WHOLE_KIT" in os.environ:
        return
    further: dict[str, list[pytest.Function]] = {}
    for item in items:
        domain = parameters(item).get("domain")
        if not isinstance(item, pytest.Function) or not isinstance(domain, ContractDomain):
            continue
        # pytest asks of all tests there are, not of those below this folder only.
        carried: Sequence[ContractDomain] = getattr(item.cls, "domains", ())
        if carried and domain is not carried[0]:
            test = item.nodeid.replace(domain.title or domain.name, "")
            further.setdefault(test, []).append(item)
    left_out: set[pytest.Item] = set()
    for test, same in further.items():
        played = [item for item in same if is_played(item)] or same
        left_out |= {*same} - {played[crc32(test.encode()) % len(played)]}
    if left_out:
        config.hook.pytest_deselected(items=[*left_out])
        items[:] = [item for item in items if item not in left_out]


def parameters(item: pytest.Item) -> dict[str, object]:
    """What a test is made with, by the names of its parameters."""
    return dict(item.callspec.params) if hasattr(item, "callspec") else {}


def is_played(item: pytest.Item) -> bool:
    """Whether the domain of a kit's test has what the test plays."""
    given = parameters(item)
    domain = given["domain"]
    return isinstance(domain, ContractDomain) and given.get("misbehaviour") not in domain.unplayed


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
