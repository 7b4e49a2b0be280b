"""The SAP pack as tests use it: with the tables that the sample orders need."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from adapters.erps.sap_s4.adapter import CALLS

#: What the shop of the sample orders has to fill in.
TABLES: Mapping[str, Mapping[str, Any]] = {"tax": {"8.25": "3"}}


def filled_in(folder: Path, **changes: Any) -> Path:
    """The pack's file of calls with the tables of the sample orders; `changes` by dotted path."""
    yaml = YAML()
    yaml.width = 1_000
    document = yaml.load(CALLS)
    for name, entries in TABLES.items():
        document["tables"][name].update(entries)
    for path, value in changes.items():
        *above, last = path.split("__")
        within = document
        for key in above:
            within = within[key]
        if value is None:
            del within[last]
        else:
            within[last] = value
    written = folder / "calls.yaml"
    with written.open("w") as file:
        yaml.dump(document, file)
    return written
