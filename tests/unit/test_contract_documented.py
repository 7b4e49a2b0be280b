"""docs/adapters.md says what the conformance kit does not play with which domain, and why."""

from __future__ import annotations

from pathlib import Path

import pytest

from sidecar import testing
from sidecar.domains import SPECS
from sidecar.testing.adapter_contract import CONTRACT_DOMAINS
from sidecar.testing.contract_domain import ContractDomain
from sidecar.testing.erpsim import Misbehaviour

PAGE = Path(__file__).parents[2] / "docs" / "adapters.md"
REMEDY = "generate it again: python -m tests.unit.test_contract_documented"
BEGIN, END = "<!-- not played: generated -->\n\n", "\n<!-- end -->\n"
#: What of a test is no misbehaviour.
WORDS = {
    "lines": "lines, two hundred of them",
    "double_booking": "a double booking",
    "probe": "questions by our reference",
}
#: Played against the sidecar, not the adapter: how many pages it asks for is its own bound.
OF_THE_SIDECAR = {"endless_pages"}


def title(domain: ContractDomain) -> str:
    return domain.title or domain.name


def table() -> str:
    """The same reason with the same domains is one row."""
    titles: dict[tuple[str, str], list[str]] = {}
    for domain in CONTRACT_DOMAINS:
        for word, reason in domain.unplayed.items():
            titles.setdefault((word, reason), []).append(title(domain))
    rows: dict[tuple[str, str], list[str]] = {}
    for (word, reason), among in titles.items():
        shown = WORDS.get(word, f"`{word}`")
        rows.setdefault((", ".join(among), reason), []).append(shown)
    lines = [f"| {', '.join(words)} | {among} | {why} |" for (among, why), words in rows.items()]
    return "\n".join(["| not played | with | because |", "|---|---|---|", *lines]) + "\n"


def test_the_committed_table_is_what_the_kit_says() -> None:
    assert PAGE.read_text("utf-8").partition(BEGIN)[2].partition(END)[0] == table(), REMEDY


@pytest.mark.parametrize("domain", CONTRACT_DOMAINS, ids=title)
def test_what_is_not_played_is_something_that_the_kit_plays(domain: ContractDomain) -> None:
    assert domain.unplayed.keys() <= {*map(str, Misbehaviour), *WORDS}


def test_the_kit_plays_every_misbehaviour_of_the_simulator() -> None:
    folder = Path(testing.__file__).parent
    source = "".join(path.read_text("utf-8") for path in folder.glob("*_contract.py"))

    assert {name for name in Misbehaviour if f'"{name}"' not in source} == OF_THE_SIDECAR


def test_the_kit_sends_every_event_that_a_domain_begins_with() -> None:
    begins = {spec.opening for spec in SPECS} - {None}

    assert {domain.opens for domain in CONTRACT_DOMAINS} == {*begins, "stock.adjusted"}


if __name__ == "__main__":
    head, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    PAGE.write_text(head + BEGIN + table() + END + rest.partition(END)[2], encoding="utf-8")
