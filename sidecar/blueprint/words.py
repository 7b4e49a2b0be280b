"""What the blueprint says in words, alike in each of its forms."""

from __future__ import annotations

from collections.abc import Iterator

from sidecar.blueprint.document import NONE, Blueprint, DomainPlan, Rule
from sidecar.blueprint.lifecycle import Stage, Stages

OWNERS = {"magento": "Magento", "erp": "ERP"}

#: Of each domain, what it is to somebody who keeps no shop.
_ABOUT = {
    "orders": "what customers order",
    "refunds": "credit memos",
    "invoices": "invoices, and the payments that come with them",
    "shipments": "parcels on their way, with tracking numbers",
    "customers": "customers' accounts and addresses",
    "products": "products",
    "stock": "quantities",
    "prices": "prices",
    "order_status": "what becomes of an order after it was taken",
    "calendar": "which months are closed for posting",
}
#: What the keys of a domain's rules are about, as headings.
_TITLES = {
    "only": "Which of them",
    "gate": "What it must have before it goes",
    "fields": "Personal data that may leave",
    "guests": "Guests",
    "bounds": "Limits: what goes beyond waits for a person",
    "compare": "Compared with what the ERP took",
    "acknowledge": "What Magento hears of the answer",
    "totals": "Further amounts",
}
#: What a state does in Magento beside its status.
_ACTS = {"hold": "holds the order", "invoice": "makes the invoice, and captures its payment"}
_OTHER = "Further rules"


def about(domain: DomainPlan) -> str:
    """One clause, empty for a domain of another package."""
    return _ABOUT.get(domain.name, "")


def way(domain: DomainPlan) -> str:
    """From where to where."""
    ends = ("Magento", domain.account)
    return " → ".join(ends if domain.owner == "magento" else reversed(ends))


def answers(blueprint: Blueprint, domain: DomainPlan) -> str:
    """Who answers for it, with their contact."""
    told = [f"{role}: {blueprint.told_of(owner)}" for role, owner in domain.answers.items()]
    return "; ".join(told) or "nobody is named"


def headed(domain: DomainPlan) -> Iterator[tuple[str, list[Rule]]]:
    """The rules of a domain that say something, under their headings."""
    for heading in (*_TITLES.values(), _OTHER):
        rules = [rule for rule in domain.rules if _title(rule) == heading and rule.value != NONE]
        if rules:
            yield heading, rules


def _title(rule: Rule) -> str:
    return _TITLES.get(rule.key.split(".")[0], _OTHER)


def order_of_stages(stages: Stages) -> str:
    """How the statuses may follow one another."""
    unseen = (
        "one that was passed between two looks counts as passed through"
        if stages.passing
        else "each must be seen"
    )
    return f"What is not allowed here is a difference, and is not written; {unseen}."


def in_magento(state: Stage) -> str:
    """What a state does in Magento."""
    told = []
    if state.status is not None:
        label = f' ("{state.label}")' if state.label else ""
        told.append(f"status {state.status}{label}")
    told += [_ACTS[act] for act in state.acts if act != "comment"]
    if state.comment is not None:
        told.append(f'comment "{state.comment}"')
    if state.alarm:
        told.append(f"alarm {state.alarm}")
    return ", ".join(told) or "nothing"
