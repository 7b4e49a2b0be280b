"""What is read out of an order line's product_options, whatever stands in it."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from sidecar.domains.orders.payload import ItemOption
from sidecar.domains.orders.product_options import NONE, read


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
                {
                    "label": "Engraving",
                    "value": "<b>For You</b>",
                    "print_value": "For You",
                    "option_id": "7",
                    "option_type": "field",
                    "option_value": "For You",
                }
            ],
            "additional_options": {"3": {"label": "Delivery", "value": ["Mon", "Tue", 7]}},
        }
    )

    assert read(raw).chosen("Shirt") == (
        ItemOption(
            kind="option",
            label="Engraving",
            value="For You",
            option_id="7",
            option_type="field",
            option_value="For You",
        ),
        ItemOption(kind="additional", label="Delivery", value="Mon, Tue, 7"),
        ItemOption(kind="attribute", label="Colour", value="Red", option_id="93"),
    )


def test_a_part_of_a_bundle_is_the_choice_for_its_option() -> None:
    inner = json.dumps({"price": 24.5, "qty": 1, "option_label": "Pot", "option_id": "2"})

    for part in (inner, json.loads(inner)):
        raw = json.dumps({"bundle_selection_attributes": part})
        assert read(raw).chosen("Teapot") == (
            ItemOption(
                kind="bundle",
                label="Pot",
                value="Teapot",
                option_id="2",
                qty=Decimal(1),
                price=Decimal("24.5"),
            ),
        )


def test_a_bundle_names_its_parts_with_quantity_and_price() -> None:
    parts = {
        "3": {"option_id": "3", "label": "Mug", "value": [{"title": "M", "qty": 2, "price": 6}]}
    }

    assert read(json.dumps({"bundle_options": parts})).chosen("Set") == (
        ItemOption(
            kind="bundle", label="Mug", value="M", option_id="3", qty=Decimal(2), price=Decimal(6)
        ),
    )


def test_the_key_that_opens_an_uploaded_file_is_not_read() -> None:
    value = json.dumps({"secret_key": "abc", "fullpath": "/var/www/x"})
    raw = json.dumps(
        {"options": [{"label": "Print", "print_value": "a.png", "option_type": "file",
                      "option_value": value}]}
    )  # fmt: skip

    [option] = read(raw).chosen("Shirt")
    assert (option.value, option.option_value) == ("a.png", None)


def test_options_nested_beyond_measure_count_as_absent() -> None:
    assert read('{"options": ' + "[" * 5000 + "]" * 5000 + "}") == NONE


@pytest.mark.parametrize("options", ["text", 7, [["label", "x"]], [None], [{}], {"a": "b"}])
def test_options_of_a_foreign_shape_are_passed_over(options: object) -> None:
    raw = json.dumps({"options": options, "bundle_selection_attributes": "{broken"})

    assert read(raw).chosen("Mug") == ()
