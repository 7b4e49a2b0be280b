"""Rights as a server shows them, against those that are wanted."""

from __future__ import annotations

import pytest

from sidecar.ledger.rights import missing, rights

WANTED = [
    r"GRANT SELECT ON `the\_shop`.* TO 'd'@'%'",
    "GRANT UPDATE (state, status) ON `the_shop`.`sales_order` TO 'd'@'%'",
]


@pytest.mark.parametrize(
    "held",
    [
        ["GRANT ALL PRIVILEGES ON *.* TO `d`@`%` IDENTIFIED BY PASSWORD '*0A1B'"],
        [r"GRANT SELECT, UPDATE ON `the\_shop`.* TO `d`@`%`"],
        ["GRANT ALL PRIVILEGES ON `the_shop`.* TO `d`@`%` WITH GRANT OPTION"],
        ["GRANT SELECT, UPDATE ON `the%`.* TO `d`@`%`"],
        [
            r"GRANT SELECT ON `the\_shop`.* TO `d`@`%`",
            "GRANT INSERT (`comment`), UPDATE (`status`, `state`) ON `the_shop`.`sales_order` "
            "TO `d`@`%`",
        ],
    ],
)
def test_rights_that_cover_what_is_wanted_lack_nothing(held: list[str]) -> None:
    assert missing(WANTED, rights(held)) == {}


@pytest.mark.parametrize(
    ("held", "lacks"),
    [
        (
            "GRANT USAGE ON *.* TO `d`@`%`",
            [
                "SELECT on the_shop.*",
                "UPDATE (state) on the_shop.sales_order",
                "UPDATE (status) on the_shop.sales_order",
            ],
        ),
        (
            r"GRANT SELECT, UPDATE ON `theXshop`.* TO `d`@`%`",
            [
                "SELECT on the_shop.*",
                "UPDATE (state) on the_shop.sales_order",
                "UPDATE (status) on the_shop.sales_order",
            ],
        ),
        (
            "GRANT SELECT, UPDATE (`state`) ON `the_shop`.`sales_order` TO `d`@`%`",
            ["SELECT on the_shop.*", "UPDATE (status) on the_shop.sales_order"],
        ),
        (
            r"GRANT SELECT ON `the\_shop`.* TO `d`@`%`",
            [
                "UPDATE (state) on the_shop.sales_order",
                "UPDATE (status) on the_shop.sales_order",
            ],
        ),
    ],
)
def test_what_is_lacking_is_named(held: str, lacks: list[str]) -> None:
    found = missing(WANTED, rights([held]))
    assert [str(right) for rights_ in found.values() for right in rights_] == lacks


def test_a_role_and_a_proxy_give_nothing_by_their_names() -> None:
    assert rights(["GRANT `reader`@`%` TO `d`@`%`", "GRANT PROXY ON ''@'' TO 'd'@'%'"]) == []


def test_the_grant_option_is_a_right_of_its_own() -> None:
    held = rights(["GRANT SELECT ON `s`.* TO `d`@`%` WITH GRANT OPTION"])
    assert [right.privilege for right in held] == ["SELECT", "GRANT OPTION"]
