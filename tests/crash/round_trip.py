"""An installation whose daemon a test kills, over REST or SOAP, with a bad wire before the ERP."""

from __future__ import annotations

import random
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sidecar.testing.fault_proxy import FaultProxy
from sidecar.testing.magento_db import PrivateServer, Shop
from sidecar.testing.magento_rest import ADMIN, PASSWORD, MagentoRest
from tests.protocols import calls_of, speaking
from tests.rig import Rig


@dataclass
class RoundTrip:
    """The rig, with a bad wire before the ERP and Magento's API behind the daemon."""

    rig: Rig
    shop: Shop
    rest: MagentoRest
    wire: FaultProxy
    rng: random.Random

    def break_the_wire(self) -> None:
        """Every so often a request that arrived has no answer, or half of one; the fifth surely."""
        self.wire.rule("cut_after", nth=5)
        self.wire.rule("cut_after", probability=0.1)
        self.wire.rule("cut_answer", probability=0.05)

    def until_nothing_is_amiss(self, amiss: Callable[[], list[str]], seconds: float = 90.0) -> None:
        """Wait for the daemon to bring all of it where it belongs."""
        try:
            self.rig.until(lambda: not amiss(), seconds)
        except AssertionError as late:
            news = self.rig.sidecar("incoming", "list", "--all")
            queue = self.rig.sidecar("queue", "list", "--all")
            raise AssertionError(f"{amiss()}\n{news}\n{queue}\n{self.rig.log_tail()}") from late

    def die(self, daemon: subprocess.Popen[bytes], seconds: float) -> None:
        """Kill it at an instant of so long after its next call to the ERP."""
        before = len(self.wire.passages())
        self.rig.until(lambda: len(self.wire.passages()) > before)
        self.rig.wait_or_exit(daemon, self.rng.uniform(0, seconds))
        self.rig.kill(daemon)


@contextmanager
def round_trip(
    server: PrivateServer, folder: Path, name: str, protocol: str, domains: str, seed: int
) -> Iterator[RoundTrip]:
    """Installed; `domains`: what stands below `domains:` beside the orders."""
    with ExitStack() as stack:
        rig = stack.enter_context(Rig(server, folder, f"{name}_{protocol}"))
        wire = stack.enter_context(FaultProxy(rig.erp.url, seed=seed))
        shop = stack.enter_context(Shop(rig.magento))
        rest = stack.enter_context(MagentoRest(stack.enter_context(Shop(rig.magento))))
        (folder / "calls.yaml").write_text(calls_of(protocol), "utf-8")
        (folder / "admin").touch(mode=0o600)
        (folder / "admin").write_text(PASSWORD, "utf-8")
        file = folder / "sidecar.yaml"
        text = speaking(protocol, file.read_text("utf-8"), rig.erp, wire.url)
        api = (
            f"  api: {{url: '{rest.url}', admin: {{user: {ADMIN}, password: {{file: admin}}}}, "
            "timeout: {connect: 1s, read: 2s}}\n"
        )
        text = text.replace("ledger:", f"{api}ledger:", 1).replace("logging:", f"{domains}logging:")
        file.write_text(text, "utf-8")
        rig.sidecar("install")
        yield RoundTrip(rig, shop, rest, wire, random.Random(seed))


def unlike(
    wanted: Mapping[str, Counter[object]], there: Mapping[str, Counter[object]]
) -> list[str]:
    """What is missing of what is wanted, or there too often, each by its name."""
    return [
        f"{what}: missing {dict(wanted[what] - there[what])}, "
        f"too many {dict(there[what] - wanted[what])}"
        for what in wanted
        if wanted[what] != there[what]
    ]
