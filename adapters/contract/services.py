"""A file of calls of OData's services, as the description of one of them knows its calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from adapters.calls.changesets import KEY as CHANGESETS
from adapters.calls.changesets import read_changes
from adapters.calls.section import Section
from adapters.http.transport import Reply, Request
from adapters.language.scope import Scope

#: A file of calls that has it at its top speaks OData.
SERVICES = "services"
#: OData's own parameters; in a file of calls, where `$` begins a form, they stand without it.
OPTIONS = frozenset(
    {
        *("apply", "count", "expand", "filter", "format", "inlinecount", "orderby"),
        *("search", "select", "skip", "top"),
    }
)


def described_calls(section: Section, scope: Scope) -> list[tuple[Section, Scope]]:
    """The requests of a `call` section, each with the service that it is of."""
    if CHANGESETS not in section:
        return [(_with_options(section, section), scope)]
    return [
        (_with_options(change.section, section), change.scope)
        for change in read_changes(section, scope)
    ]


def _with_options(request: Section, call: Section) -> Section:
    """With OData's parameters by the names that its description gives them."""
    data = dict(request.data)
    if "service" in call:
        data["service"] = call.data["service"]
    if isinstance(query := data.get("query"), Mapping):
        data["query"] = {option(str(name)): value for name, value in query.items()}
    return Section(request.source, request.path, data)


def option(name: str) -> str:
    """What a parameter of a file of calls is called in an address."""
    return f"${name}" if name in OPTIONS else name


class UnopenedEnvelope:
    """An envelope that nothing is put into: no call is made when a file is checked."""

    def refuses(self, _call: None) -> str:
        return ""

    def sealed(self, _call: None, _requests: Sequence[Request]) -> Request:
        raise TypeError("nothing is sent when a file of calls is checked")

    def opened(self, _call: None, _reply: Reply) -> None:
        raise TypeError("nothing is answered when a file of calls is checked")
