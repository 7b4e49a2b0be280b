"""`erp-sidecar adapter learn`: a day at a real daemon's ledger, told without a personal word."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from sidecar.testing.magento_db import PrivateServer, Shop
from sidecar.testing.magento_db.cart import Line
from tests.acceptance.test_json_schemas import closed
from tests.rig import Rig

PROJECT = Path(__file__).parents[2]
SCHEMA = PROJECT / "docs" / "cli-schemas" / "adapter-learn.json"
#: The file of calls of somebody who has not seen a refusal yet.
WITHOUT_REFUSALS = "      rejected: =response.status == 422\n"


@dataclass(frozen=True)
class Day:
    """An installation behind it, and the numbers of the orders of the day by what befell them."""

    rig: Rig
    daemon: subprocess.Popen[bytes]
    numbers: dict[str, list[str]]

    printed: dict[tuple[str, ...], str] = field(default_factory=dict)

    def told(self, *arguments: str) -> str:
        """What the command prints; asked once, nothing happens any more."""
        if arguments not in self.printed:
            self.printed[arguments] = self.rig.sidecar("adapter", "learn", *arguments)
        return self.printed[arguments]

    def learn(self, *arguments: str) -> Any:
        return json.loads(self.told(*arguments, "--json"))

    def answers(self, **wanted: Any) -> list[Any]:
        return [
            one
            for one in self.learn()["answers"]
            if all(one[key] == value for key, value in wanted.items())
        ]


def pushed(rig: Rig) -> int:
    [[[count]]] = rig.look(f"SELECT COUNT(*) FROM {ledger(rig)}.attempt WHERE operation = 'push'")
    return int(count)


def has_pushed(rig: Rig, count: int) -> bool:
    return pushed(rig) >= count


def ledger(rig: Rig) -> str:
    return f"{rig.magento.name}_ledger"


def refused(rig: Rig) -> list[str]:
    """The numbers of orders that were refused."""
    [rows] = rig.look(f"SELECT number FROM {ledger(rig)}.event WHERE status = 'rejected'")
    return [str(number) for (number,) in rows]


def let_hours_pass(rig: Rig, hours: int) -> None:
    """All that was attempted so far was so many hours ago."""
    with rig.magento.connect() as connection, connection.cursor() as cursor:
        cursor.execute(f"UPDATE {ledger(rig)}.attempt SET at = at - INTERVAL {hours} HOUR")


@pytest.fixture(scope="module")
def day(server: PrivateServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    with Rig(server, tmp_path_factory.mktemp("learn"), "learn") as rig:
        calls = rig.folder / "calls.yaml"
        text = calls.read_text("utf-8")
        assert WITHOUT_REFUSALS in text
        calls.write_text(text.replace(WITHOUT_REFUSALS, "", 1), "utf-8")
        with Shop(rig.magento) as shop:
            daemon = rig.start()
            yield Day(rig, daemon, lived(rig, shop))


def lived(rig: Rig, shop: Shop) -> dict[str, list[str]]:
    """A day: quiet hours, refusals and errors, then an hour in which the ERP is slow."""
    numbers: dict[str, list[str]] = {}
    for what, settings in (
        ("slow", {"rule": "answer_late", "seconds": 0.3, "times": 3}),
        ("too slow", {"rule": "answer_late", "seconds": 2, "times": 1, "method": "POST"}),
        ("quiet", {}),
        ("refused", {"rule": "credit_limit", "times": 2}),
        ("broken", {"rule": "server_error_after_booking", "times": 1}),
        ("changed", {"rule": "schema_change", "times": 2, "method": "POST"}),
        ("away", {"rule": "drop_before", "times": 1, "method": "POST"}),
    ):
        rule = settings.pop("rule", None)
        if rule:
            rig.erp.rule(str(rule), **settings)
        before = pushed(rig)
        placed = [shop.place([Line("MUG", 2)]).increment_id for _ in range(3)]
        numbers[what] = placed
        rig.until(partial(has_pushed, rig, before + 3))
        if what == "too slow":
            let_hours_pass(rig, 5)
        rig.erp.clear_rules()
    return numbers


def test_each_answer_is_told_with_its_shape_the_line_that_took_it_and_an_example(day: Day) -> None:
    (booked, changed) = day.answers(operation="push", http_status=201)
    (refused,) = day.answers(operation="push", http_status=422)

    assert (booked["predicate"], booked["outcome"], booked["doubt"]) == ("accepted",) * 2 + (None,)
    assert booked["shape"].startswith("{number: text, externalNumber: text, ")
    assert "lines: [{lineId: number, sku: text, " in booked["shape"]
    assert (changed["outcome"], changed["doubt"]) == ("unknown", "the answer has no reference")
    assert changed["shape"].startswith("{documentNumber: text, ")
    assert changed["example"] in day.numbers["changed"]
    assert (refused["count"], refused["code"]) == (2, "credit_limit")
    assert refused["example"] in day.numbers["refused"]
    assert refused["shape"] == "{error: {code: text, message: text, field: text}}"


def test_what_the_erp_held_when_it_was_asked_stands_beside_what_it_had_answered(day: Day) -> None:
    (refused,) = day.answers(operation="push", http_status=422)
    (broken,) = day.answers(operation="push", http_status=500)

    assert (refused["held"], refused["absent"]) == (0, 2)
    assert (broken["held"], broken["absent"]) == (1, 0)
    assert broken["suggestion"]["lines"] == []
    assert "1 of them had been booked all the same" in broken["suggestion"]["why"]


def test_the_suggested_lines_take_the_answer_when_they_stand_in_the_file(day: Day) -> None:
    (before,) = day.answers(http_status=422)
    assert before["predicate"] == "none"
    lines = before["suggestion"]["lines"]
    assert lines == [
        "rejected: =response.status == 422",
        "code: =response.body.error.code",
        "message: =response.body.error.message",
    ]
    calls = day.rig.folder / "calls.yaml"
    here = "      throttled: =response.status == 429\n"
    rejected = f"      {lines[0]}\n"
    text = calls.read_text("utf-8")
    try:
        calls.write_text(text.replace(here, rejected + here, 1), "utf-8")
        day.rig.sidecar("config", "validate")
        day.daemon.terminate()
        day.daemon.wait()
        day.rig.start()
        day.rig.erp.rule("credit_limit", times=1)
        with Shop(day.rig.magento) as shop:
            shop.place([Line("MUG", 2)])
        # It may be one of the day's, which was in doubt and goes again.
        day.rig.until(lambda: refused(day.rig) != [])
    finally:
        calls.write_text(text, "utf-8")
        day.rig.erp.clear_rules()
    learnt = json.loads(day.rig.sidecar("adapter", "learn", "--json"))
    (taken,) = (one for one in learnt["answers"] if one["predicate"] == "rejected")
    assert (taken["outcome"], taken["suggestion"]) == ("rejected", None)
    assert [taken["example"]] == refused(day.rig)


def test_hours_tell_calls_durations_and_timeouts_in_the_shops_time_zone(day: Day) -> None:
    learnt = day.learn()
    slow = max(learnt["hours"], key=lambda hour: hour["timeouts"])
    others = [hour for hour in learnt["hours"] if hour is not slow]

    assert learnt["timezone"] == "UTC"
    assert (slow["timeouts"], slow["unanswered"]) == (1, 0)
    assert slow["worst"] >= 500
    assert slow["median"] < slow["worst"]
    assert sum(hour["timeouts"] for hour in others) == 0
    assert sum(hour["unanswered"] for hour in others) == 1


def test_nothing_that_a_person_or_an_order_says_is_printed(day: Day) -> None:
    printed = day.told() + day.told("--json")
    [answers] = day.rig.look(f"SELECT answer, reference FROM {ledger(day.rig)}.attempt")

    kept = " ".join(text for row in answers for text in row if text)
    said = set(re.findall(r'"([^"]*[ @-][^"]*)"', kept))
    assert len(said) > 20
    assert [word for word in said if word in printed] == []


def test_it_is_told_for_a_person_with_the_suggestion_marked_as_one(day: Day) -> None:
    printed = day.told("--domain", "orders", "--since", "2d")

    assert "2 × HTTP 422 credit_limit: NO LINE FITS → unknown, e.g. " in printed
    assert "suggestion: rejected: =response.status == 422" in printed
    assert "1 × no answer in time: unknown" in printed
    assert "hour  calls  median" in printed


def test_what_is_printed_as_json_is_what_the_schema_says(day: Day) -> None:
    schema = json.loads(SCHEMA.read_text("utf-8"))

    Draft202012Validator.check_schema(schema)
    Draft202012Validator(closed(schema)).validate(day.learn())


def test_only_what_was_asked_for_is_told(day: Day) -> None:
    assert day.learn("--since", "2000-01-01T00:00")["answers"]
    assert day.learn("--since", "2999-01-01T00:00")["answers"] == []
    unknown = day.rig.sidecar("adapter", "learn", "--account", "wms", code=64)
    other = day.rig.sidecar("adapter", "learn", "--domain", "refunds", code=64)
    assert (unknown, other) == ("", "")


def test_the_document_shows_what_the_command_prints_of_a_refusal(day: Day) -> None:
    document = (PROJECT / "docs" / "new-erp.md").read_text("utf-8")
    lines = day.told().splitlines()
    (first,) = (
        number for number, line in enumerate(lines) if "HTTP 422 credit_limit: NO LINE" in line
    )

    for line in lines[first : first + 7]:
        shown = re.sub(r"e.g. \d+", "e.g. 000000042", line)
        assert f"    {shown}\n" in document, shown
