"""The blueprint as Markdown: to be kept beside the configuration, and read as it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from sidecar.blueprint.document import Blueprint, DomainPlan
from sidecar.blueprint.words import OWNERS, about, answers, headed, in_magento, order_of_stages, way


def markdown(blueprint: Blueprint, signatures: Sequence[str]) -> str:
    """The whole document; `signatures`: who signed it, in words."""
    return "\n".join(_lines(blueprint, signatures)).rstrip() + "\n"


def _lines(blueprint: Blueprint, signatures: Sequence[str]) -> Iterator[str]:
    yield f"# Blueprint of the shop {_text(blueprint.shop)}\n"
    yield (
        "Who owns what, which way it goes, who answers for it. Times are those of "
        f"{blueprint.timezone}. Hash `{blueprint.digest}`.\n"
    )
    yield from (f"- {_text(line)}" for line in signatures)
    yield "\n## What goes where\n"
    header = ("domain", "what", "owner", "way", "every", "risk", "who answers")
    yield from _table(
        header,
        (
            (one.name, about(one), OWNERS[one.owner], way(one), one.every, one.risk,
             answers(blueprint, one))
            for one in blueprint.domains
        ),
    )  # fmt: skip
    yield "\n## The other side\n"
    yield from _table(
        ("account", "address", "adapter", "file of calls", "pace"),
        (
            (one.name, one.address, one.adapter, _file(one.calls, one.fingerprint), one.pace)
            for one in blueprint.accounts
        ),
    )
    for domain in blueprint.domains:
        yield from _domain(blueprint, domain)
    if blueprint.lifecycle.stages:
        yield "\n## What the ERP's statuses mean\n"
        yield f"{order_of_stages(blueprint.lifecycle)}\n"
        yield from _table(
            ("status in the ERP", "meaning", "in Magento", "may be followed by"),
            (
                (one.name, one.meaning, in_magento(one), ", ".join(one.following) or "the end")
                for one in blueprint.lifecycle.stages
            ),
        )
    yield "\n## Exceptions\n"
    if blueprint.exceptions:
        yield from _table(
            ("domain", "when", "file of calls", "reason", "who answers", "until"),
            (
                (one.domain, one.when, _file(one.calls, one.fingerprint), one.reason,
                 blueprint.told_of(one.owner), one.expires)
                for one in blueprint.exceptions
            ),
        )  # fmt: skip
    else:
        yield "There are none."


def _domain(blueprint: Blueprint, domain: DomainPlan) -> Iterator[str]:
    yield f"\n## {domain.name}\n"
    yield (
        f"{OWNERS[domain.owner]} owns it; {way(domain)}, every {domain.every}; risk {domain.risk}. "
        f"Who answers: {_text(answers(blueprint, domain))}."
    )
    for heading, rules in headed(domain):
        yield f"\n### {heading}\n"
        yield from _table(
            ("rule", "is", "which means"),
            ((rule.key, rule.value, rule.meaning) for rule in rules),
        )


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(header)} |"
    yield f"|{'---|' * len(header)}"
    for row in rows:
        yield f"| {' | '.join(map(_text, row))} |"


def _file(name: str | None, fingerprint: str | None) -> str:
    return f"{name} ({fingerprint})" if name else "none"


def _text(text: str) -> str:
    """Markdown has no way of its own to show these as they are."""
    for mark in "\\`*_<|[":
        text = text.replace(mark, f"\\{mark}")
    return " ".join(text.split())
