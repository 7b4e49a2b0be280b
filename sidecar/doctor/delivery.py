"""Delivery: whether what waits can go, and whether what goes comes to anything."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from sidecar.doctor.check import Check, Observation
from sidecar.doctor.examined import ExaminedInstallation
from sidecar.model.settlement import WAITING
from sidecar.operate.naming import name_of

#: So many calls in a row, the newest, and at least so many, must have come to nothing.
_NEWEST, _LEAST = 10, 3
#: What decides nothing: the same will be sent or asked again.
_FRUITLESS = frozenset({"retry", "throttled", "unknown", "conflict"})
_PAGE = re.compile(r"\s*(?:<!doctype html|<html)", re.IGNORECASE)


def _fruitless(examined: ExaminedInstallation) -> Iterator[Observation]:
    names = examined.ledger.names
    with examined.database.transaction("looking at the newest calls") as connection:
        calls = list(
            connection.exec_driver_sql(
                f"SELECT a.outcome, a.request, a.http_status, a.answer, e.kind, "
                f"e.number, e.domain "
                f"FROM {names('attempt')} a JOIN {names('event')} e ON e.id = a.event "
                f"ORDER BY a.id DESC LIMIT {_NEWEST}"
            )
        )
    if len(calls) >= _LEAST and all(call.outcome in _FRUITLESS for call in calls):
        newest = calls[0]
        name = name_of(examined.sidecar.specs, newest.kind, newest.number)
        yield Observation(
            f"the newest {len(calls)} calls came to nothing; the last one, "
            f"{newest.request or 'about ' + name}, {_answered(newest)}",
            f"what it said: erp-sidecar show {name} --no-erp; the same by "
            "hand: erp-sidecar adapter dry-run NUMBER, and curl",
            tuple(dict.fromkeys(call.domain for call in calls)),
        )


def _answered(call: Any) -> str:
    if call.http_status is None:
        return "had no answer"
    if 300 <= call.http_status < 400:
        return f"was redirected (HTTP {call.http_status}), which is not followed: correct erp.url"
    if _PAGE.match(call.answer or ""):
        return (
            f"got a web page (HTTP {call.http_status}): somebody else answers, such as a sign-in "
            "page, a proxy or a maintenance page"
        )
    return f"got HTTP {call.http_status} and nothing that the mapping knows"


def _paused(examined: ExaminedInstallation) -> Iterator[Observation]:
    for name, domain in examined.vitals.domains.items():
        waiting = sum(domain.events[status] for status in WAITING)
        if domain.control.paused and waiting:
            yield Observation(
                f"{name} is paused by {domain.control.paused_by}; {waiting} event(s) wait",
                f"erp-sidecar domain resume {name}",
                (name,),
            )


CHECKS = (
    Check(
        id="calls-fruitless",
        severity="warning",
        title="the ERP is called and nothing comes of it",
        cause="A sign-in page or a proxy answers in the ERP's place, the ERP fails at every call, "
        "or the mapping does not know its answers.",
        symptom="Orders are asked about and tried again; none is accepted and none is rejected.",
        remedy="`erp-sidecar show NUMBER` says what the last call got.",
        look=_fruitless,
    ),
    Check(
        id="paused-with-work",
        severity="info",
        title="a pause holds events back",
        cause="Somebody paused the domain.",
        symptom="They are not sent before it ends.",
        remedy="`erp-sidecar domain resume orders`",
        look=_paused,
    ),
)
