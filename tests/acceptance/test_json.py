"""With --json a command prints one JSON document and nothing beside it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from sidecar.testing.magento_db import PrivateServer
from tests.acceptance.test_operator_commands import refused_order, run
from tests.rig import Rig

NUMBER = "{number}"
#: Each command's shortest call that changes nothing, on a sidecar with one refused order.
CALLS = (
    "adapter list",
    f"adapter dry-run {NUMBER}",
    "audit list",
    "config validate",
    "config show",
    "differences list",
    f"differences resolve {NUMBER} --dry-run",
    "domain list",
    "domain pause orders --dry-run",
    "domain resume orders --dry-run",
    "install --dry-run",
    "migrate --dry-run",
    f"order show {NUMBER}",
    "queue list",
    f"queue requeue {NUMBER} --dry-run",
    f"queue park {NUMBER} --dry-run",
    f"queue drop {NUMBER} --reason x --dry-run",
    f"queue edit {NUMBER} --set /customer_note=x --dry-run",
    "rejections list",
    "status",
    "top",
    "triggers plan",
    "triggers status",
    "triggers install --dry-run",
    "triggers remove --dry-run",
    "uninstall --dry-run",
)


@pytest.fixture(scope="module")
def rig(server: PrivateServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with Rig(server, tmp_path_factory.mktemp("json"), "json") as installed:
        yield installed


@pytest.fixture(scope="module")
def number(rig: Rig) -> str:
    return str(refused_order(rig).increment_id)


@pytest.mark.parametrize("call", CALLS)
def test_a_command_prints_one_json_document(rig: Rig, number: str, call: str) -> None:
    done = run(rig, *call.replace(NUMBER, number).split(), "--json")
    assert done.code in (0, 2), done.errors
    assert isinstance(json.loads(done.output), dict | list)


def test_the_configuration_s_values_come_with_their_origin(rig: Rig) -> None:
    shown = json.loads(run(rig, "config", "show", "--json").output)
    assert shown["values"]["shop.name"]["value"] == "crash"
    assert shown["values"]["shop.name"]["origin"].endswith("sidecar.yaml:3")
