"""A file of calls laid over a pack's own: key by key, each mistake told where it stands."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from adapters.calls.overlay import read_overlaid
from adapters.rest import generic
from sidecar.documents import Document
from sidecar.domains import SPECS
from sidecar.model.errors import ConfigurationError
from sidecar.ports import AdapterSettings, Pack, ShopContext

BELOW = """\
tables:
  carriers: {flatrate: DHL, tablerate: UPS}
orders:
  push:
    on: [order.placed]
    call:
      method: POST
      path: /orders
      json:
        number: =ref
        note: from the shop
        lines:
          - {sku: SHIPPING, price: =order.shipping_amount}
          - {sku: FEE, price: 1}
    answer: &answer
      accepted: =response.status == 201
      rejected: =response.status == 422
      reference: =response.body.number
  cancel:
    on: [order.canceled]
    call: {method: POST, path: /cancel, json: {number: =ref}}
    answer: *answer
"""


def overlaid(folder: Path, *uppers: str, below: str = BELOW) -> Document:
    files = []
    for name, text in zip(("pack", "own", "case"), (below, *uppers), strict=False):
        (folder / f"{name}.yaml").write_text(text)
        files.append(folder / f"{name}.yaml")
    return read_overlaid(files)


def json_of(document: Document) -> dict[str, Any]:
    body: dict[str, Any] = document.data["orders"]["push"]["call"]["json"]
    return body


def problems(folder: Path, *uppers: str) -> list[str]:
    with pytest.raises(ConfigurationError) as error:
        overlaid(folder, *uppers)
    return [line.removeprefix(f"{folder}/") for line in error.value.message.splitlines()]


def test_three_lines_add_a_field_and_leave_all_else(tmp_path: Path) -> None:
    document = overlaid(
        tmp_path, "orders:\n  push:\n    call: {json: {webshop: =order.store_id, note: ours}}\n"
    )

    assert json_of(document) == {
        "number": "=ref",
        "note": "ours",
        "lines": json_of(overlaid(tmp_path))["lines"],
        "webshop": "=order.store_id",
    }
    assert document.data["orders"]["cancel"] == overlaid(tmp_path).data["orders"]["cancel"]


def test_a_list_replaces_a_list_and_a_value_a_table(tmp_path: Path) -> None:
    document = overlaid(
        tmp_path,
        "orders:\n  push: {on: [order.placed, order.updated], call: {json: {lines: []}}}\n"
        "tables: {carriers: {flatrate: null}}\n",
    )

    assert document.data["orders"]["push"]["on"] == ["order.placed", "order.updated"]
    assert json_of(document)["lines"] == []
    assert document.data["tables"]["carriers"] == {"flatrate": None, "tablerate": "UPS"}


def test_an_entry_of_a_list_is_changed_by_its_number(tmp_path: Path) -> None:
    document = overlaid(
        tmp_path,
        "orders:\n  push:\n    call:\n      json:\n        lines:\n"
        "          0: {sku: =order.shipping_method}\n"
        "          $append:\n            - {sku: GIFT, price: 0}\n",
    )

    assert json_of(document)["lines"] == [
        {"sku": "=order.shipping_method", "price": "=order.shipping_amount"},
        {"sku": "FEE", "price": 1},
        {"sku": "GIFT", "price": 0},
    ]


def test_an_entry_that_has_a_name_is_changed_by_it(tmp_path: Path) -> None:
    below = (
        "orders:\n  push:\n    first:\n      - {as: product, keep: 1h}\n      - {as: customer}\n"
    )
    document = overlaid(
        tmp_path,
        "orders:\n  push:\n    first:\n      customer: {keep: 5m}\n      $without: [product]\n",
        below=below,
    )

    assert document.data["orders"]["push"]["first"] == [{"as": "customer", "keep": "5m"}]
    assert document.where(("orders", "push", "first", 0, "keep")).endswith("own.yaml:4")
    assert document.where(("orders", "push", "first", 0, "as")).endswith("pack.yaml:5")


def test_keys_are_left_out(tmp_path: Path) -> None:
    document = overlaid(
        tmp_path,
        "orders:\n  $without: [cancel]\n  push:\n    call: {json: {$without: [note, lines]}}\n",
    )

    assert list(document.data["orders"]) == ["push"]
    assert json_of(document) == {"number": "=ref"}


def test_the_order_of_the_lines_of_an_answer_stays_and_new_ones_come_last(tmp_path: Path) -> None:
    document = overlaid(
        tmp_path,
        "orders:\n  push:\n    answer: {throttled: =response.status == 429, accepted: =true}\n",
    )

    assert list(document.data["orders"]["push"]["answer"]) == [
        "accepted",
        "rejected",
        "reference",
        "throttled",
    ]


def test_a_third_file_is_laid_over_both(tmp_path: Path) -> None:
    document = overlaid(
        tmp_path,
        "orders:\n  push:\n    call: {json: {note: ours, webshop: 1}}\n",
        "orders:\n  push:\n    call: {json: {note: of the case}}\n",
    )

    assert json_of(document)["note"] == "of the case"
    assert json_of(document)["webshop"] == 1
    assert document.path == tmp_path / "case.yaml"


def test_what_has_nothing_to_act_upon_is_told_with_its_file_and_line(tmp_path: Path) -> None:
    own = """\
orders:
  push:
    call:
      json:
        $without: [nota]
        lines:
          7: {sku: X}
          $append: {sku: Y}
        extra: {$without: [a]}
  erase:
    $append: []
"""
    assert problems(tmp_path, own) == [
        "own.yaml:5: orders.push.call.json.$without: what is laid over here has no 'nota' — "
        "did you mean 'note'?",
        "own.yaml:7: orders.push.call.json.lines.7: what is laid over here has no '7'; "
        "there are 0, 1",
        "own.yaml:8: orders.push.call.json.lines.$append: this must be a list",
        "own.yaml:9: orders.push.call.json.extra.$without: there is nothing below it to act on",
        "own.yaml:11: orders.erase.$append: there is nothing below it to act on",
    ]


class TestAPack:
    """`erp: {adapter: NAME, calls: own.yaml}`, where NAME is that of a pack."""

    def create(self, folder: Path, own: str | None, below: str = BELOW) -> list[str]:
        """The problems that reading finds."""
        (folder / "calls.yaml").write_text(below)
        if own is not None:
            (folder / "own.yaml").write_text(own)
        settings = AdapterSettings(
            "http://127.0.0.1:1",
            5,
            5,
            ShopContext("main", UTC),
            calls=None if own is None else folder / "own.yaml",
            domains=SPECS,
        )
        try:
            Pack(folder, generic.create)(settings).close()
        except ConfigurationError as error:
            return [line.removeprefix(f"{folder}/") for line in error.message.splitlines()]
        return []

    def test_it_needs_no_file_of_the_user(self, tmp_path: Path) -> None:
        assert self.create(tmp_path, None) == []

    def test_a_mistake_is_told_with_the_file_that_has_it(self, tmp_path: Path) -> None:
        own = (
            "orders:\n  push:\n    call: {json: {number: =ordr.increment_id}}\n"
            "  cancel:\n    anser: {}\n"
        )
        below = BELOW.replace("=order.shipping_amount", "=order.shiping_amount")

        found = self.create(tmp_path, own, below)

        assert sorted(line.split(": ")[0] for line in found) == [
            "calls.yaml:13",
            "own.yaml:3",
            "own.yaml:5",
        ]
