"""`searchCriteria` of a request, and the rows of a table that meet it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sidecar.testing.magento_db.schema import tables
from sidecar.testing.magento_db.session import Row, Session
from sidecar.testing.magento_rest.refusals import Broken, bad
from sidecar.testing.magento_rest.route import Call, Query
from sidecar.testing.magento_rest.values import Json

_NAMES = ("searchCriteria", "search_criteria")
_KEY = re.compile(r"\[([^\]]*)\]")
_SNAKE = re.compile(r"(?<=[a-z])(?=[A-Z])")

# Condition -> SQL; `in` and its like take as many places as there are values.
_COMPARISONS = {
    "eq": "= %s", "neq": "<> %s", "gt": "> %s", "lt": "< %s", "gteq": ">= %s", "lteq": "<= %s",
    "from": ">= %s", "to": "<= %s", "like": "LIKE %s", "nlike": "NOT LIKE %s", "moreq": ">= %s",
}  # fmt: skip
_LISTS = {"in": "IN", "nin": "NOT IN"}
_NULLS = {"null": "IS NULL", "notnull": "IS NOT NULL"}


@dataclass(frozen=True)
class Filter:
    """A condition on a field."""

    field: str
    value: str
    condition_type: str = "eq"


@dataclass
class Criteria:
    """Groups are all met, of the filters of a group one."""

    groups: list[list[Filter]] = field(default_factory=list)
    orders: list[tuple[str, str]] = field(default_factory=list)
    page_size: int | None = None
    current_page: int = 1

    def shown(self) -> Json:
        """As the answer repeats them."""
        shown: Json = {
            "filter_groups": [
                {"filters": [vars(condition) for condition in group]} for group in self.groups
            ]
        }
        if self.orders:
            shown["sort_orders"] = [
                {"field": name, "direction": direction} for name, direction in self.orders
            ]
        if self.page_size is not None:
            shown |= {"page_size": self.page_size, "current_page": self.current_page}
        return shown


def criteria_of(call: Call) -> Criteria:
    """Read them.  400 where there are none at all, or where the page is too large."""
    tree = _tree(call.query)
    criteria = Criteria(
        groups=[
            [_filter(given) for given in _parts(group.get("filters"))]
            for group in _parts(tree.get("filter_groups"))
        ],
        orders=[
            (order.get("field", ""), str(order.get("direction", "ASC")).upper())
            for order in _parts(tree.get("sort_orders"))
        ],
        page_size=_number(tree, "page_size") or call.limits.default_page,
        current_page=_number(tree, "current_page") or 1,
    )
    largest = call.limits.largest_page
    if largest is not None and criteria.page_size is not None and criteria.page_size > largest:
        raise bad("Maximum SearchCriteria pageSize is %max", max=largest)
    return criteria


def search(
    session: Session,
    table: str,
    key: str,
    criteria: Criteria,
    show: Callable[[Sequence[Row]], list[Json]],
) -> Json:
    """The answer of a list: the rows of one page, and how many there are of all pages."""
    columns = tables()[table]
    where, values = _where(criteria, columns)
    source = f"FROM {session.table(table)} AS main WHERE {where}"
    (total,) = session.select(f"SELECT COUNT(*) AS number {source}", values)
    order = ", ".join(
        f"main.`{_column(name, columns)}` {'DESC' if direction == 'DESC' else 'ASC'}"
        for name, direction in criteria.orders
    )
    limit = ""
    if criteria.page_size is not None:
        limit = f" LIMIT {criteria.page_size} OFFSET {_offset(criteria)}"
    rows = session.select(
        f"SELECT main.* {source} ORDER BY {order or f'main.`{key}`'}{limit}", values
    )
    return {
        "items": show(rows),
        "search_criteria": criteria.shown(),
        "total_count": total["number"],
    }


def _offset(criteria: Criteria) -> int:
    return (criteria.current_page - 1) * (criteria.page_size or 0)


def _tree(query: Query) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    given = False
    for name, value in query:
        top, bracket, rest = name.partition("[")
        if top not in _NAMES:
            continue
        given = True
        keys = [_snake(key) for key in _KEY.findall(bracket + rest)]
        branch = tree
        for key in keys[:-1]:
            # As in PHP: what a later key needs as a list replaces a plain value.
            if not isinstance(branch.get(key), dict):
                branch[key] = {}
            branch = branch[key]
        if keys:
            branch[keys[-1]] = value
    if not given:
        raise bad('"%fieldName" is required. Enter and try again.', fieldName="searchCriteria")
    return tree


def _snake(name: str) -> str:
    return _SNAKE.sub("_", name).lower()


def _parts(branch: Any) -> list[dict[str, Any]]:
    values = branch.values() if isinstance(branch, dict) else ()
    return [value for value in values if isinstance(value, dict)]


def _number(tree: dict[str, Any], name: str) -> int | None:
    text = tree.get(name)
    return int(text) if isinstance(text, str) and text.isdecimal() else None


def _filter(given: dict[str, Any]) -> Filter:
    return Filter(
        str(given.get("field", "")),
        str(given.get("value", "")),
        str(given.get("condition_type") or "eq"),
    )


def _where(criteria: Criteria, columns: Sequence[str]) -> tuple[str, list[str]]:
    groups: list[str] = []
    values: list[str] = []
    for group in criteria.groups:
        conditions: list[str] = []
        for condition in group:
            text, needed = _condition(condition, columns)
            conditions.append(text)
            values += needed
        if conditions:
            groups.append(f"({' OR '.join(conditions)})")
    return " AND ".join(groups) or "1 = 1", values


def _condition(given: Filter, columns: Sequence[str]) -> tuple[str, list[str]]:
    column = f"main.`{_column(given.field, columns)}`"
    kind = given.condition_type
    if kind in _NULLS:
        return f"{column} {_NULLS[kind]}", []
    if kind in _LISTS:
        values = given.value.split(",")
        return f"{column} {_LISTS[kind]} ({', '.join(['%s'] * len(values))})", values
    if kind == "finset":
        return f"FIND_IN_SET(%s, {column})", [given.value]
    if kind not in _COMPARISONS:
        raise Broken()
    return f"{column} {_COMPARISONS[kind]}", [given.value]


def _column(name: str, columns: Sequence[str]) -> str:
    """A field of the table; Magento hands any other to the database and fails there."""
    if name not in columns:
        raise Broken()
    return name
