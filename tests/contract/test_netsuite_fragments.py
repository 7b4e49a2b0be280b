"""The calls that docs/netsuite.md shows fit the WSDL, ours and NetSuite's."""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from adapters.calls.section import Section
from adapters.erps.netsuite import codes
from adapters.erps.netsuite.call import NetSuiteCalls
from adapters.erps.netsuite.token import TokenPassport
from adapters.language.scope import Scope
from adapters.language.template import Source
from adapters.soap.call import SoapCalls
from adapters.soap.documents import Documents
from adapters.soap.wsdl import Wsdl
from sidecar.documents import read_document
from sidecar.testing.soap_messages import Message, SoapPort, load_wsdl
from tests.contract.netsuite_bench import adapter_settings
from tests.contract.netsuite_server import TOKEN

DOCUMENT = Path(__file__).parents[2] / "docs" / "netsuite.md"
FRAGMENTS = re.findall(r"```yaml\n# fragment\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)


def sent(fragment: str, wsdl: Path, folder: Path) -> Message:
    """What NetSuite reads of a call that is written so."""
    path = folder / "call.yaml"
    path.write_text(fragment, "utf-8")
    document = read_document(path)
    source = Source(document)
    with closing(Documents(adapter_settings(path, wsdl=str(wsdl)), folder)) as documents:
        loaded = Wsdl.load(str(wsdl), documents)
    calls = SoapCalls(loaded, computed={"tokenPassport": TokenPassport(TOKEN)})
    call = NetSuiteCalls(calls).read(Section(source, (), document.data), Scope({}))
    source.raise_problems()
    request = call.request({})
    headers = {name.lower(): value for name, value in request.headers.items()}
    return SoapPort(load_wsdl(wsdl)).read(request.body or b"", headers)


def expected(message: Message) -> Any:
    """The field of each fragment that says which it is."""
    if message.operation == "getItemAvailability":
        asked = message.body.itemAvailabilityFilter
        return [one.externalId for one in asked.item.recordRef]
    record = message.body.record
    return record._xsd_type.name, record.externalId


@pytest.mark.shared
def test_the_codes_are_those_of_netsuite_s_schema(shared: Path) -> None:
    schema = shared / "contracts" / "netsuite" / "2023_2" / "xsd" / "platform.faultTypes.xsd"
    known = set(re.findall(r'enumeration value="(\w+)"', schema.read_text("utf-8")))
    named = codes.THROTTLED | codes.CONFLICT | codes.DUPLICATE | codes.MISCONFIGURED
    faults = (schema.parent / "platform.faults.xsd").read_text("utf-8")

    assert (named | codes.RETRY | codes.UNCERTAIN | {codes.ABSENT}) - known == set()
    assert [name for name in codes.FAULTS if f'element name="{name}"' not in faults] == []


def test_the_document_shows_all_of_them() -> None:
    assert len(FRAGMENTS) == 4


@pytest.mark.parametrize(
    ("fragment", "shown"),
    list(
        zip(
            FRAGMENTS,
            [
                ("SalesOrder", "000000042"),
                ("Customer", "M2C-17"),
                ("CreditMemo", "M2R-000000007"),
                ["24-MB01", "24-MB02"],
            ],
            strict=True,
        )
    ),
    ids=["custom field", "customer", "credit memo", "availability"],
)
def test_netsuite_reads_what_the_document_writes(
    fragment: str, shown: Any, netsuite_wsdl: Path, tmp_path: Path
) -> None:
    message = sent(fragment, netsuite_wsdl, tmp_path)

    assert expected(message) == shown
    assert message.headers["tokenPassport"].signature.algorithm == "HMAC-SHA256"
