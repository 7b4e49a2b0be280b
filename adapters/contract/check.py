"""Compares a file of calls with the ERP's interface description, before the first order does.

What Magento may put into a field is known from the expressions' shapes; what the ERP takes, from
the description's trees.  Nothing runs and nothing is sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from adapters.calls.dialect import Dialect, Own
from adapters.calls.mapping import read_calls
from adapters.calls.section import Section
from adapters.contract.field import Description, Field, Members
from adapters.contract.fit import Complaint, misfits
from adapters.contract.services import SERVICES, UnopenedEnvelope, described_calls
from adapters.language.expression import InvalidExpression, Loop, compile_expression, compile_loop
from adapters.language.scope import Scope
from adapters.language.shape import ANYTHING, Record, Shape, is_optional, shape_of_value, suggest
from adapters.language.template import TYPE, Path, Source, is_expression
from sidecar.documents import Document
from sidecar.model.domain_spec import DomainSpec
from sidecar.ports import ContractFinding

#: The finding that no ERP forgives.
UNKNOWN_FIELD = "unknown-field"
#: Of many names only so many are told.
_MOST_NAMES = 8
#: Answers are not compared with a description, and an adapter may know its ERP's by itself.
_ANY_ANSWER = Own(
    answer={"accepted": False, "reference": ""},
    batch={"ok": False, "results": "=[]", "match": "=''", "accepted": False, "reference": ""},
    first={"accepted": False},
    probe={"ok": False, "found": "=[]"},
    list={"ok": False, "found": "=[]"},
    each={"external": "", "reference": ""},
)


def check_calls(
    description: Description, document: Document, name: str, domains: Sequence[DomainSpec]
) -> list[ContractFinding]:
    """All findings, in the order of the file.

    Raises ConfigurationError for a file that is no file of calls.
    """
    walk = _Walk(Source(document))
    for section, scope in call_sections(description, document, name, domains):
        walk.call(description, section, scope, keys_at_the_top(description, document))
    return walk.findings


def call_sections(
    description: Description, document: Document, name: str, domains: Sequence[DomainSpec]
) -> list[tuple[Section, Scope]]:
    """Every `call` of a file of calls.  Raises ConfigurationError for a file that is none."""
    calls: list[tuple[Section, Scope]] = []
    is_odata = SERVICES in document.data

    def note(section: Section, scope: Scope) -> None:
        of_call = described_calls(section, scope) if is_odata else [(section, scope)]
        calls.extend((request, _known_here(known)) for request, known in of_call)

    # In a file of OData's services a batch is an envelope of whole requests.
    envelope = UnopenedEnvelope() if is_odata else None
    dialect = Dialect(
        description.response, note, description.file_keys, own=_ANY_ANSWER, envelope=envelope
    )
    read_calls(document, name, dialect, domains)
    return _of_the_described(description, document, calls) if is_odata else calls


def _of_the_described(
    description: Description, document: Document, calls: list[tuple[Section, Scope]]
) -> list[tuple[Section, Scope]]:
    """A description is of one service; of the calls to another it says nothing."""
    at_the_top = keys_at_the_top(description, document)
    described = {
        section.data.get("service")
        for section, _ in calls
        if description.called({**at_the_top, **section.data}) is not None
    }
    return [one for one in calls if not described or one[0].data.get("service") in described]


def keys_at_the_top(description: Description, document: Document) -> Mapping[str, Any]:
    """What holds for all calls of the file."""
    return {key: document.data[key] for key in description.file_keys if key in document.data}


def _known_here(scope: Scope) -> Scope:
    """Without what a file of calls alone does not tell.

    Which secrets there are stands in the configuration; what the ERP called a document (`link`), it
    takes back, however long it is.  `body` is known in parts of some calls only, which has been
    checked with the file.
    """
    names = {**scope.names, "secret": ANYTHING, "body": ANYTHING}
    match names.get("link"):
        case Record(members=members):
            names = {**names, "link": Record("Link", dict.fromkeys(members, ANYTHING))}
    return replace(scope, names=names)


class _Walk:
    def __init__(self, source: Source) -> None:
        self._source = source
        self.findings: list[ContractFinding] = []

    def call(
        self,
        description: Description,
        section: Section,
        scope: Scope,
        at_the_top: Mapping[str, Any],
    ) -> None:
        """One `call` section, with what holds for all calls of the file."""
        operation = description.called({**at_the_top, **section.data})
        if operation is None:
            self._undescribed(description, section)
            return
        for key, field in operation.parts.items():
            path = (*section.path, key)
            if key in section.data:
                self._value(field, section.data[key], scope, path)
            elif field.required and (field.takes or field.members.mandatory()):
                self._missing(field, section.path)

    def _undescribed(self, description: Description, section: Section) -> None:
        name = description.name_of(section.data)
        known = suggest(name, description.operations)
        self._complain(
            section.path,
            Complaint(
                "error" if description.is_complete else "warning",
                "unknown-operation",
                f"the description has no operation '{name}'{known}",
                "'erp-sidecar adapter describe' lists those that there are",
            ),
        )

    # --- values -----------------------------------------------------------------------------

    def _value(self, field: Field, tree: Any, scope: Scope, path: Path) -> None:
        match tree:
            case str() if is_expression(tree):
                self._shape(field, self._shape_of(tree[1:], scope, path), path)
            case Mapping() if "$each" in tree:
                self._rounds(field, tree, scope, path)
            case Mapping() if "$when" in tree:
                self._shape_of(str(tree["$when"]), scope, (*path, "$when"))
                self._value(field, tree.get("$do"), scope, (*path, "$do"))
            case Mapping():
                self._mapping(field, tree, scope, path)
            case list() | tuple():
                self._list(field, tree, scope, path)
            case None:
                if field.required and not field.nullable:
                    self._missing(field, path)
            case _:
                self._shape(field, shape_of_value(tree), path)

    def _shape(self, field: Field, shape: Shape, path: Path) -> None:
        for complaint in misfits(field, shape):
            self._complain(path, complaint)
        if field.required and not field.nullable and is_optional(shape):
            self._complain(
                path,
                Complaint(
                    "warning",
                    "maybe-empty",
                    f"'{field.name}' is mandatory, and this may be none",
                    "| default(…)",
                ),
            )

    def _rounds(self, field: Field, tree: Mapping[str, Any], scope: Scope, path: Path) -> None:
        if not field.many:
            self._wrong(field, "a list", path)
            return
        loop = self._loop(str(tree["$each"]), scope, (*path, "$each"))
        if loop is not None:
            self._value(field.entry, tree.get("$do"), loop.scope, (*path, "$do"))

    def _list(self, field: Field, tree: Any, scope: Scope, path: Path) -> None:
        if field.before and not field.many:
            # Of other commands (link, replace) only their author knows what they take.
            if tuple(tree[:-1]) == field.before:
                self._value(replace(field, before=()), tree[-1], scope, (*path, len(tree) - 1))
            return
        if field.kind == "anything" and not field.lexical:
            return
        if not field.many:
            self._wrong(field, "a list", path)
            return
        for index, entry in enumerate(tree):
            # Rounds as an entry of a list become entries of that list.
            target = field if isinstance(entry, Mapping) and "$each" in entry else field.entry
            self._value(target, entry, scope, (*path, index))

    def _mapping(self, field: Field, tree: Mapping[str, Any], scope: Scope, path: Path) -> None:
        if field.wrapper and set(tree) == {field.wrapper}:
            inner = replace(field, wrapper="")
            self._value(inner, tree[field.wrapper], scope, (*path, field.wrapper))
            return
        if field.many and not field.lone:
            self._wrong(field, "one mapping", path)
            return
        if field.before:
            self._wrong(field, f"a mapping: [{', '.join(map(str, field.before))}, {{…}}]", path)
            return
        chosen = self._chosen(field, tree, path)
        if chosen is None:
            return
        if not chosen.is_record:
            # What takes anything takes a mapping too, but not where it is written as text.
            if chosen.kind != "anything" or chosen.lexical:
                self._wrong(chosen, "a mapping", path)
            return
        self._record(chosen.members, tree, scope, path)

    def _record(self, members: Members, tree: Mapping[str, Any], scope: Scope, path: Path) -> None:
        for key, value in tree.items():
            field = members.named(key)
            if key == TYPE:
                continue
            if field is None:
                # {namespace}name is a SOAP header that the WSDL does not declare.
                if not members.open and not key.startswith("{"):
                    self._unknown(key, members, (*path, key))
            elif not field.writable:
                self._complain(
                    (*path, key),
                    Complaint(
                        "error",
                        "not-writable",
                        f"'{key}' is given by the ERP: it cannot be written here",
                        "take it out",
                    ),
                )
            else:
                self._value(field, value, scope, (*path, key))
        self._mandatory(members, tree, path)

    def _mandatory(self, members: Members, tree: Mapping[str, Any], path: Path) -> None:
        for field in members.mandatory():
            if field.name not in tree:
                self._missing(field, path)
            elif isinstance(tree[field.name], Mapping) and "$when" in tree[field.name]:
                self._complain(
                    (*path, field.name),
                    Complaint(
                        "warning",
                        "maybe-missing",
                        f"'{field.name}' is mandatory, and left out when this is false",
                        "give a value for the other case too",
                    ),
                )
        for branches in members.alternatives:
            self._alternative(branches, tree, path)

    def _alternative(
        self, branches: tuple[tuple[str, ...], ...], tree: Mapping[str, Any], path: Path
    ) -> None:
        filled = [branch for branch in branches if any(name in tree for name in branch)]
        names = _told(["+".join(branch) for branch in branches])
        if not filled:
            self._complain(path, Complaint("error", "missing", f"one of {names} is mandatory"))
        elif len(filled) > 1:
            self._complain(path, Complaint("error", "one-of", f"only one of {names} may be given"))

    def _chosen(self, field: Field, tree: Mapping[str, Any], path: Path) -> Field | None:
        """The type that `$type` names, where there is a choice."""
        name = tree.get(TYPE)
        if name is None and not field.abstract:
            return field
        if is_expression(name):
            return None
        if name is None:
            text = f"'{field.name}' may be one of several types: say which"
            remedy = f"{TYPE}: {_told(field.type_names)}"
            self._complain(path, Complaint("error", "which-type", text, remedy))
        elif str(name) not in field.types:
            known = suggest(str(name), field.types) or f"; there are {_told(field.type_names)}"
            text = f"'{field.name}' has no type '{name}'{known if field.types else ''}"
            self._complain((*path, TYPE), Complaint("error", "unknown-type", text))
        else:
            return field.types[str(name)]
        return None

    # --- expressions ------------------------------------------------------------------------

    def _shape_of(self, source: str, scope: Scope, path: Path) -> Shape:
        try:
            return compile_expression(source, scope).shape
        except InvalidExpression as error:
            self._invalid(error, path)
            return ANYTHING

    def _loop(self, source: str, scope: Scope, path: Path) -> Loop | None:
        try:
            return compile_loop(source, scope)
        except InvalidExpression as error:
            self._invalid(error, path)
            return None

    def _invalid(self, error: InvalidExpression, path: Path) -> None:
        for problem in error.problems:
            self._complain(path, Complaint("error", "expression", problem, "see docs/mapping.md"))

    # --- complaints -------------------------------------------------------------------------

    def _unknown(self, name: str, members: Members, path: Path) -> None:
        known = suggest(name, members.fields) or f"; there are {_told(list(members.fields))}"
        self._complain(
            path,
            Complaint(
                "error",
                UNKNOWN_FIELD,
                f"the ERP has no field '{name}'{known}",
                "'erp-sidecar adapter describe' shows its fields",
            ),
        )

    def _missing(self, field: Field, path: Path) -> None:
        self._complain(
            path,
            Complaint(
                "warning" if field.nullable else "error",
                "missing",
                f"'{field.name}' is mandatory and not filled",
                f"add {field.name} ({field.kind})",
                field.name,
            ),
        )

    def _wrong(self, field: Field, given: str, path: Path) -> None:
        wanted = f"a list of {field.kind}" if field.many else field.kind
        text = f"'{field.name}' takes {wanted}, not {given}"
        self._complain(path, Complaint("error", "wrong-type", text))

    def _complain(self, path: Path, complaint: Complaint) -> None:
        self.findings.append(
            ContractFinding(
                complaint.severity,
                complaint.id,
                self._source.place(path),
                complaint.text,
                complaint.remedy,
                ".".join(map(str, path)),
                complaint.field or (str(path[-1]) if path else ""),
            )
        )


def _told(names: list[str]) -> str:
    further = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {further} more" if further > 0 else "")
