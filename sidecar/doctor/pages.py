"""What a finding means, as text for a terminal and as docs/doctor.md."""

from __future__ import annotations

from sidecar.doctor.catalogue import SECTIONS
from sidecar.doctor.check import Check

_HEAD = """\
# Doctor

`erp-sidecar doctor` looks, changes nothing, and reports what is wrong, with its remedy. It exits 2
when it finds an error or a warning. What it cannot look at (no database, a right that is missing)
it names; the other checks are made all the same. `--only ID` makes one check, `--json` gives
`findings`, `unseen` and `checks`; `erp-sidecar doctor explain ID` prints a section of this page.

Two things are hidden from the daemon's database user: other sessions, and other users. For those
checks name a database user that may see them, for this command only:

    erp-sidecar doctor --user root --password-file /root/.db-password

An id is never given another meaning. **error**: nothing is carried, or checkout is in danger.
**warning**: somebody must look. **info**: good to know; it does not change the exit code.

This page is generated from the checks (`sidecar/doctor`): `make docs`.
"""


def page(check: Check) -> str:
    """One finding explained, for a terminal."""
    return (
        f"{check.id} ({check.severity}): {check.title}\n\n"
        f"cause   {check.cause}\nsymptom {check.symptom}\nremedy  {check.remedy}\n\n"
        f"docs/doctor.md#{check.id}"
    )


def document() -> str:
    """docs/doctor.md."""
    parts = [_HEAD]
    for section, checks in SECTIONS.items():
        parts.append(f"\n# In the section {section}\n")
        parts += [
            f"\n## {check.id}\n\n*{check.severity}*: {check.title}\n\n"
            f"- Cause: {check.cause}\n- Symptom: {check.symptom}\n- Remedy: {check.remedy}\n"
            for check in checks
        ]
    return "".join(parts)
