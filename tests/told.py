"""A sidecar beside a shop whose ERP tells by itself; Magento's own API makes the documents."""

from __future__ import annotations

from pathlib import Path

from sidecar.ledger.incoming_records import IncomingRecord
from sidecar.testing.magento_db import MagentoDatabase
from sidecar.testing.magento_rest import ADMIN, PASSWORD, MagentoRest
from tests.harness import TellingErp
from tests.pipeline import ORDER_CALLS, Pipeline

_CALLS = """
{name}:
  changes:
    call: {{method: GET, path: /news}}
    answer: {{ok: =response.status == 200, found: =response.body.items}}
    each: {each}
"""


def telling(
    magento: MagentoDatabase,
    folder: Path,
    erp: TellingErp,
    rest: MagentoRest | None,
    name: str,
    section: str = "{owner: erp, every: 30s}",
    each: str = "{number: =item.number, order: =item.order}",
) -> Pipeline:
    """The sidecar; `name`: the domain of which the ERP tells, `each`: how a row of it is made.

    `rest`: Magento's API; None: the configuration has none.
    """
    (folder / "admin").touch(mode=0o600)
    (folder / "admin").write_text(PASSWORD, "utf-8")
    api = (
        ""
        if rest is None
        else (
            f"  api: {{url: '{rest.url}', admin: {{user: {ADMIN}, password: {{file: admin}}}}, "
            "timeout: {connect: 1s, read: 1s}}\n"
        )
    )
    calls = ORDER_CALLS + _CALLS.format(name=name, each=each)
    return Pipeline(
        magento,
        folder,
        adapter=erp,
        calls=calls,
        domains=f"  {name}: {section}\n",
        api=api,
    )


def news(pipeline: Pipeline) -> list[IncomingRecord]:
    """What is kept, the oldest first."""
    found = pipeline.sidecar.incoming.listed(domain=None, statuses=(), limit=100)
    return list(reversed(found))
