"""What is read out of an order line's product_options, whatever stands in it."""

from __future__ import annotations

import json

import pytest

from sidecar.domain.order import ItemOption
from sidecar.magento.product_options import NONE, read


@pytest.mark.parametrize(
    "raw", [None, "", "[]", "null", "7", '{"product_calculations":', 'a:1:{s:3:"qty";i:1;}']
)
def test_what_cannot_be_read_counts_as_absent(raw: str | None) -> None:
    assert read(raw) == NONE
    assert read(raw).chosen("Mug") == ()


@pytest.mark.parametrize(
    ("said", "at_children"), [(0, True), ("0", True), (1, False), ("1", False), (None, None)]
)
def test_where_the_price_of_a_bundle_is(said: object, at_children: bool | None) -> None:
    assert read(json.dumps({"product_calculations": said})).price_is_at_children is at_children


def test_choices_come_in_the_order_in_which_the_admin_shows_them() -> None:
    raw = json.dumps(
        {
            "info_buyRequest": {"qty": 1},
            "attributes_info": [{"label": "Colour", "value": "Red", "option_id": 93}],
            "options": [
                {"label": "Engraving", "value": "<b>For You</b>", "print_value": "For You"}
            ],
            "additional_options": {"3": {"label": "Delivery", "value": ["Mon", "Tue", 7]}},
        }
    )

    assert read(raw).chosen("Shirt") == (
        ItemOption(label="Engraving", value="For You"),
        ItemOption(label="Delivery", value="Mon, Tue, 7"),
        ItemOption(label="Colour", value="Red"),
    )


def test_a_part_of_a_bundle_is_the_choice_for_its_option() -> None:
    inner = json.dumps({"price": 24.5, "qty": 1, "option_label": "Pot", "option_id": "2"})

    for part in (inner, json.loads(inner)):
        raw = json.dumps({"bundle_selection_attributes": part})
        assert read(raw).chosen("Teapot") == (ItemOption(label="Pot", value="Teapot"),)


@pytest.mark.parametrize("options", ["text", 7, [["label", "x"]], [None], [{}], {"a": "b"}])
def test_options_of_a_foreign_shape_are_passed_over(options: object) -> None:
    raw = json.dumps({"options": options, "bundle_selection_attributes": "{broken"})

    assert read(raw).chosen("Mug") == ()
