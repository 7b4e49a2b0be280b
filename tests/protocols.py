"""An installation that speaks REST or SOAP to the simulator, with every domain either way."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from sidecar.testing.erpsim import WSDL, ErpSim

PROTOCOLS = ("rest", "soap")
#: The demonstration's orders, and of the conformance kit all other domains.
_FILES = {"rest": ("calls.yaml", "single.yaml"), "soap": ("soap-calls.yaml", "soap-single.yaml")}
_MAPPINGS = Path(__file__).parent / "contract" / "mappings"
_SOURCES = "\ntables: {sources: {MAIN: default}}\n"


def calls_of(protocol: str) -> str:
    """A file of calls with every domain."""
    demo, kit = _FILES[protocol]
    orders = resources.files("sidecar.testing.demo").joinpath(demo).read_text("utf-8")
    others = (_MAPPINGS / kit).read_text("utf-8")
    return orders.partition("\nrefunds:")[0] + _SOURCES + others[others.index("\nrefunds:") :]


def speaking(protocol: str, configuration: str, erp: ErpSim, url: str = "") -> str:
    """The rig's configuration in that protocol; `url`: of what stands before the ERP."""
    before = url or erp.url
    if protocol == "rest":
        return configuration.replace(erp.url, before)
    endpoint = erp.endpoint().replace(erp.url, before)
    soap = f"adapter: soap.generic\n  wsdl: {WSDL}\n  endpoint: {endpoint}"
    return configuration.replace(f"adapter: rest.generic\n  url: {erp.url}", soap)
