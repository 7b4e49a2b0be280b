from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from sidecar.doctor.catalogue import SECTIONS
from sidecar.doctor.pages import document

DOCUMENT = Path(__file__).parents[2] / "docs" / "doctor.md"
REMEDY = "generate it again: python -m tests.unit.test_doctor_documented"
IDS = [check.id for checks in SECTIONS.values() for check in checks]


def test_the_committed_page_is_what_the_checks_say() -> None:
    assert DOCUMENT.read_text("utf-8") == document(), REMEDY


def test_every_finding_has_its_section_and_every_section_its_finding() -> None:
    assert re.findall(r"^## (\S+)$", DOCUMENT.read_text("utf-8"), re.MULTILINE) == IDS


def test_an_id_names_one_finding_and_can_be_typed() -> None:
    assert [one for one, count in Counter(IDS).items() if count > 1] == []
    assert [one for one in IDS if not re.fullmatch(r"[a-z]+(-[a-z]+)+", one)] == []


if __name__ == "__main__":
    DOCUMENT.write_text(document(), encoding="utf-8")
