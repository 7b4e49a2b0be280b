"""SAP S/4HANA over its OData services (docs/sap.md): sales orders over OData 2, or over OData 4."""

from dataclasses import replace
from pathlib import Path

from adapters.odata.generic import create
from sidecar.ports import AdapterSettings, ErpAdapter, Pack

_FOLDER = Path(__file__).parent


def _over_odata_4(settings: AdapterSettings) -> ErpAdapter:
    """The pack's file, with that for OData 4 laid over it and the user's over both."""
    lowest, *further = settings.calls_below
    below = (lowest, _FOLDER / "odata4.yaml", *further)
    return create(replace(settings, calls_below=below))


PACK = Pack(_FOLDER, create)
PACK_4 = Pack(_FOLDER, _over_odata_4)
