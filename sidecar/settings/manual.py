"""erp-sidecar.yaml(5): the reference of the configuration as a page of the manual."""

from __future__ import annotations

from sidecar.settings import outline
from sidecar.settings.fields import SecretRef, Section
from sidecar.settings.generate import tables, told_of
from sidecar.settings.outline import Entry
from sidecar.settings.roff import Page
from sidecar.settings.schema import Settings

NAME = "erp-sidecar.yaml.5"

_ABOUT = (
    "YAML 1.2: /etc/erp-sidecar/sidecar.yaml, or the file that --config or ERP_SIDECAR_CONFIG "
    "names, and then conf.d/*.yaml beside it in name order. Later wins, tables merge, lists "
    "replace. Unknown keys are errors. yes, no, on and off are text: write true or false. Paths "
    "are relative to the file they are written in."
)
_NOTATION = (
    "Durations are a whole number and a unit (250ms, 5s, 30m, 48h, 400d), rates are requests per "
    "window (2/s, 120/min, 6000/5min), percentages carry their sign (20%)."
)
_CALLS = (
    "erp-sidecar config generate        a whole, commented file to start from",
    "erp-sidecar config validate        checks one: files only",
    "erp-sidecar config show            what is in force, and from which line it comes",
)


def page() -> str:
    """The whole page."""
    made = Page("erp-sidecar.yaml", 5, "configuration of the Magento-ERP sidecar")
    made.heading("DESCRIPTION")
    made.paragraph(_ABOUT)
    made.paragraph(_NOTATION)
    made.verbatim(_CALLS)
    made.heading("KEYS")
    _table(made, "The file", Settings)
    for at, section in tables(Settings, ()):
        _table(made, ".".join(at), section)
    _table(made, "A secret", SecretRef)
    made.heading("SEE ALSO")
    made.paragraph("erp-sidecar(1), erp-sidecar-config(1)")
    return made.text()


def _table(made: Page, title: str, section: type[Section]) -> None:
    made.subheading(title)
    if section.__doc__:
        made.paragraph(section.__doc__.strip())
    for entry in outline.entries(section).values():
        made.item(entry.key, _explained(entry))


def _explained(entry: Entry) -> str:
    told = told_of(entry)
    default = told.instead or f"default {told.default}"
    example = f" Example: {told.example}" if told.example is not None else ""
    return f"{entry.description} ({told.takes}; {default}){example}"
