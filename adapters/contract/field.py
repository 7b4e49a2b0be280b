"""What an ERP's interface description says of its operations, whatever language it is written in.

The readers (`adapters.soap.contract`, `adapters.rest.openapi`, `adapters.rest.edmx`) make these
trees; `tree`, `skeleton` and `check` read them.  A record's members are read when they are asked
for: NetSuite's are thousands, and some contain themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal, Protocol

from adapters.language.shape import Shape

#: What a field takes, by the names of `adapters.language.shape.Plain`.
ANY_VALUE = frozenset({"text", "whole number", "number", "truth value", "time"})
NUMBERS = frozenset({"whole number", "number"})
#: What a member of a record is in XML: `text` stands beside attributes, `rounds` are those of a
#: group that repeats as a whole, and `any` are elements that the description does not name.
Role = Literal["element", "attribute", "text", "rounds", "any"]


@dataclass(frozen=True)
class Members:
    """The fields of a record, by name.

    `alternatives`: groups of branches (names that belong together) of which one is to be filled.
    `open`: further names are taken too.  `aliases`: other names that a field goes by.
    """

    fields: Mapping[str, Field]
    alternatives: tuple[tuple[tuple[str, ...], ...], ...] = ()
    open: bool = False
    aliases: Mapping[str, str] = field(default_factory=dict)

    def named(self, name: str) -> Field | None:
        """A field by one of its names."""
        return self.fields.get(self.aliases.get(name, name))

    def mandatory(self) -> list[Field]:
        """Those that must be filled."""
        return [field for field in self.fields.values() if field.required and field.writable]


@dataclass(frozen=True)
class Field:
    """One field, parameter or body.

    `kind` is what a person calls its type; `takes` which plain values fit (none: a record only),
    `tolerated` which do not by the letter, but as a rule; `lexical`: it is written as text, so that
    a text may be a number;
    `lone`: a list that may be written as its one entry; `wrapper`: one that may stand in a mapping
    under that key; `nullable`: required, but may be empty;
    `base`: the type of XML Schema that its text is of, `role` what it is in XML;
    `one`: a list that has one entry for each call; `key`: it names the record in the ERP;
    `hint`: an expression that the reader knows to fit; `sample`: a value that it had, where a
    sample is all that is known; `before`: what stands in front of an entry, where an entry is a
    list (Odoo's commands);
    `type_name`: the declared type of a record; those of one have the same members;
    `load`: the members of a record; `load_types`: what `$type` may name here, where the declared
    type stands for several; `abstract`: it stands for the others only.
    """

    name: str
    kind: str
    takes: frozenset[str] = frozenset()
    tolerated: frozenset[str] = frozenset()
    lexical: bool = False
    required: bool = False
    nullable: bool = False
    many: bool = False
    lone: bool = False
    wrapper: str = ""
    longest: int | None = None
    digits: tuple[int, int] | None = None
    choices: tuple[str, ...] = ()
    writable: bool = True
    about: str = ""
    abstract: bool = False
    base: str = ""
    role: Role = "element"
    one: bool = False
    key: bool = False
    hint: str = ""
    sample: str | None = None
    before: tuple[int, ...] = ()
    type_name: str = ""
    load: Callable[[], Members] | None = None
    load_types: Callable[[], Mapping[str, Field]] | None = None

    @property
    def is_record(self) -> bool:
        """Whether it has members."""
        return self.load is not None

    @cached_property
    def entry(self) -> Field:
        """One entry of a list."""
        return replace(self, many=False, lone=True, wrapper="")

    @cached_property
    def members(self) -> Members:
        """Its members; none for a plain value."""
        return Members({}) if self.load is None else self.load()

    @cached_property
    def types(self) -> Mapping[str, Field]:
        """What `$type` may name here, by the name to write."""
        return {} if self.load_types is None else self.load_types()

    @cached_property
    def type_names(self) -> list[str]:
        """The shortest name of each of these types."""
        names: dict[int, str] = {}
        for name, field_type in self.types.items():
            names.setdefault(id(field_type), name)
        return list(names.values())


@dataclass(frozen=True)
class Operation:
    """Something that can be called.

    `call`: the constant keys of a `call` section (`operation`, or `method` and `path`); `parts`:
    its other keys with what they take, the body first; `answer` what `response.body` holds.
    `asks`: it changes nothing, whatever its method; `found`, `reference`: expressions for the list
    that an answer to a question holds, and for the name of what was made (of `item` in a question).
    """

    name: str
    call: Mapping[str, str]
    parts: Mapping[str, Field]
    about: str = ""
    answer: Field | None = None
    asks: bool = False
    found: str = ""
    reference: str = ""


class Description(Protocol):
    """An interface description as read."""

    @property
    def operations(self) -> Mapping[str, Operation]:
        """All operations, by name."""

    def called(self, call: Mapping[str, object]) -> Operation | None:
        """The operation that a `call` section calls; None where there is none."""

    def name_of(self, call: Mapping[str, object]) -> str:
        """What a person calls the operation that a `call` section names."""

    @property
    def is_complete(self) -> bool:
        """Whether an operation that is not described cannot exist."""

    @property
    def file_keys(self) -> tuple[str, ...]:
        """Further keys at the top of a file of calls of this protocol."""

    @property
    def response(self) -> Shape:
        """What `response` is in an expression, as far as every adapter of the protocol has it."""
