"""docs/odata.md: its example is a file of calls, and its tables name what there is."""

from __future__ import annotations

import re
from datetime import UTC
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from adapters.language.odata import ODATA_FILTERS
from adapters.language.shape import Record
from adapters.odata import generic
from adapters.odata.answer import RESPONSE
from adapters.rest.call import RESPONSE as REST_RESPONSE
from sidecar.domains import SPECS
from sidecar.ports import AdapterSettings, ErpAdapter, ShopContext

TEXT = (Path(__file__).parents[2] / "docs" / "odata.md").read_text("utf-8")
EXAMPLE, CHANGES = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)


def made(folder: Path, text: str) -> ErpAdapter:
    file = folder / "calls.yaml"
    file.write_text(text)
    shop = ShopContext("main", UTC)
    return generic.create(AdapterSettings("http://erp.invalid", 1, 1, shop, file, domains=SPECS))


def test_the_example_is_a_file_of_calls(tmp_path: Path) -> None:
    adapter = made(tmp_path, EXAMPLE)

    able = adapter.capabilities("orders")
    assert able.batch == 20
    assert able.probe


def test_the_fragment_fits_into_it(tmp_path: Path) -> None:
    yaml = YAML(typ="safe")
    example = yaml.load(EXAMPLE)
    example["orders"]["cancel"] = {
        "on": ["order.canceled"],
        **yaml.load(CHANGES),
        "answer": {"accepted": "=response.status == 204"},
    }
    file = tmp_path / "whole.yaml"
    with file.open("w") as written:
        YAML().dump(example, written)

    able = made(tmp_path, file.read_text()).capabilities("orders")

    assert "order.canceled" in able.subscriptions


def test_changes_go_in_a_call_of_their_own(tmp_path: Path) -> None:
    yaml = YAML(typ="safe")
    example = yaml.load(EXAMPLE)
    example["orders"]["push"]["call"] = yaml.load(CHANGES)["call"]
    file = tmp_path / "whole.yaml"
    with file.open("w") as written:
        YAML().dump(example, written)

    with pytest.raises(Exception, match="changesets go in a call of their own"):
        made(tmp_path, file.read_text())


def test_every_filter_is_in_the_table() -> None:
    named = re.findall(r"^\| `(\w+)(?:\([^`]*\))?` \|", TEXT, re.MULTILINE)

    assert {name for name in named if "odata" in name} == set(ODATA_FILTERS)


def test_every_part_of_an_answer_is_in_the_table() -> None:
    assert isinstance(RESPONSE, Record)
    assert isinstance(REST_RESPONSE, Record)
    named = set(re.findall(r"^\| `response\.(\w+)` \|", TEXT, re.MULTILINE))

    assert named == RESPONSE.members.keys() - REST_RESPONSE.members.keys()
