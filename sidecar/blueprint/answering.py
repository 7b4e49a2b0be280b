"""Who answers for a domain, in words: alarms, findings and refusals have it from here alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sidecar.settings.ownership import Owner
from sidecar.settings.schema import Settings


def told_of(owner: Owner) -> str:
    """`Finance (finance@example.com)`."""
    return f"{owner.name} ({owner.contact})"


class Answering:
    """`contacts`: domain → who answers for it; a domain that is not in it has nobody."""

    def __init__(self, contacts: Mapping[str, str]) -> None:
        self.contacts = contacts

    @classmethod
    def by(cls, settings: Settings) -> Answering:
        """As the configuration has it."""
        told = {name: _told(settings, name) for name in settings.domains.enabled()}
        return cls({name: text for name, text in told.items() if text})

    def of(self, domains: Iterable[str]) -> str:
        """Who answers for these; empty where nobody is named."""
        told: dict[str, list[str]] = {}
        for name in domains:
            if contact := self.contacts.get(name):
                told.setdefault(contact, []).append(name)
        if len(told) == 1:
            return next(iter(told))
        return "; ".join(f"{', '.join(names)}: {contact}" for contact, names in told.items())

    def after(self, text: str, domains: Iterable[str]) -> str:
        """The text, and who answers."""
        contact = self.of(domains)
        return f"{text} [{contact}]" if contact else text


def owners_by_domain(settings: Settings) -> dict[str, str]:
    """Domain → names under owners, `finance, shop`; what the log says."""
    told = {
        name: ", ".join(dict.fromkeys(owner for _, owner in section.answers if owner is not None))
        for name, section in settings.domains.enabled().items()
    }
    return {name: owners for name, owners in told.items() if owners}


#: Where no configuration says who answers.
NOBODY = Answering({})


def _told(settings: Settings, domain: str) -> str:
    """`technical: Shop team (…), business: Finance (…)`; one who answers for all, once."""
    roles: dict[str, list[str]] = {}
    for role, owner in settings.domains.enabled()[domain].answers:
        if owner is not None:
            roles.setdefault(owner, []).append(role)
    return ", ".join(
        f"{' and '.join(named)}: {told_of(settings.owners[owner])}"
        for owner, named in roles.items()
    )
