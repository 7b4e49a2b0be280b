"""The play: 25 orders, an ERP that misbehaves, and what the daemon makes of it, live."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sidecar.model.errors import SidecarError
from sidecar.testing.demo.orders import ANSWERED_LATE, DROPPED, SCENES, Scene
from sidecar.testing.demo.stage import Stage
from sidecar.testing.demo.statement import Statement, is_settled, read_orders, state
from sidecar.testing.erpsim.client import ErpSimClient
from sidecar.testing.magento_db.schema import MagentoDatabase
from sidecar.testing.magento_db.shop import PlacedOrder, Shop

_PATIENCE = 45.0
_LATE_SECONDS = 5

#: Log event → what the person watching is told; fields as in the log line.
_TOLD = {
    "intake.order.placed": "seen     {number}",
    "intake.order.updated": "changed  {number}",
    "intake.order.canceled": "canceled {number}",
    "intake.order.held": "held     {number}",
    "delivery.accepted": "ERP      {number} booked as {reference}",
    "delivery.rejected": "ERP      {number} REFUSED: {code}",
    "delivery.unknown": "ERP      {number} no answer to trust ({failure}); it is asked, not resent",
    "write_back.applied": "Magento  {number} carries the answer ({action})",
    "write_back.applied_again": "Magento  {number} carries it again: a stale save had undone it",
    "delivery.difference": "ERP      {number} differs in {difference}: {ours} became {theirs}",
    "station.failed": "trouble  {message}",
}


class Demo:
    """Use as a context manager; `show` is given each line for the person watching."""

    def __init__(self, show: Callable[[str], None], *, soap: bool = False) -> None:
        self._show = show
        self._stage = Stage(soap=soap)
        self._offset = 0
        self._kept = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._kept:
            self._stage.strike()

    def play(self) -> Statement:
        """Place the orders, wait until each has its answer, state the result."""
        self._show("starting a private MariaDB with Magento's tables, an ERP and the daemon …")
        magento, erp = self._stage.build()
        erp.rule("answer_late", sku=ANSWERED_LATE, seconds=_LATE_SECONDS, times=1)
        erp.rule("accept_then_drop", sku=DROPPED, times=1)
        with Shop(magento) as shop:
            placed = [self._place(shop, scene) for scene in SCENES]
            self._wait(lambda: is_settled(read_orders(magento), erp.documents()))
            self._change(shop, placed)
            self._wait(lambda: self._changes_arrived(magento, erp, placed))
        return state(read_orders(magento), erp.documents())

    def keep(self) -> None:
        """Leave it running and say how to look around."""
        self._kept = True
        stop = self._stage.leave()
        config = self._stage.config
        number = "000000015"
        program = _program()
        for line in (
            "",
            "Left running. Look around:",
            f"  export ERP_SIDECAR_CONFIG={config}",
            f"  {program} status",
            f"  {program} top",
            f"  {program} queue list",
            f"  {program} order show {number}",
            f"  tail -f {self._stage.log}",
            "End it and remove its folder:",
            f"  {stop}",
        ):
            self._show(line)

    def _place(self, shop: Shop, scene: Scene) -> PlacedOrder:
        placed = shop.place(scene.lines, **scene.how)
        self._show(
            f"  shop     {placed.increment_id} placed, {placed.grand_total:.2f}: {scene.title}"
        )
        self._follow()
        return placed

    def _change(self, shop: Shop, placed: list[PlacedOrder]) -> None:
        for scene, order in zip(SCENES, placed, strict=True):
            if scene.later == "cancel":
                shop.cancel(order.entity_id)
            elif scene.later == "edit":
                shop.change_address(order.entity_id, "billing", city="Potsdam", postcode="14467")
            elif scene.later == "hold":
                shop.hold(order.entity_id)
            else:
                continue
            self._show(f"  shop     {order.increment_id} {scene.title.removesuffix(' later')}")

    def _changes_arrived(
        self, magento: MagentoDatabase, erp: ErpSimClient, placed: list[PlacedOrder]
    ) -> bool:
        documents = erp.documents()
        edited = {
            order.increment_id
            for scene, order in zip(SCENES, placed, strict=True)
            if scene.later == "edit"
        }
        moved = {
            document.external
            for document in documents
            if isinstance(document.customer, dict) and document.customer.get("city") == "Potsdam"
        }
        return edited <= moved and is_settled(read_orders(magento), documents)

    def _wait(self, is_done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _PATIENCE
        while not is_done():
            self._follow()
            self._stage.check()
            if time.monotonic() > deadline:
                raise SidecarError(
                    f"the demonstration did not come to its end in {_PATIENCE:.0f} s",
                    "run it again on a quieter machine, or with --keep and look at the log",
                )
            time.sleep(0.1)
        self._follow()

    def _follow(self) -> None:
        lines, self._offset = self._stage.log_lines(self._offset)
        for line in lines:
            if template := _TOLD.get(line["event"]):
                self._show(f"  {_filled(template, line)}")


def _program() -> str:
    """What a shell calls to have this very program: in a clone it is not on the PATH."""
    beside = Path(sys.executable).with_name("erp-sidecar")
    program = shutil.which("erp-sidecar")
    return "erp-sidecar" if program and Path(program).samefile(beside) else str(beside)


def _filled(template: str, line: dict[str, Any]) -> str:
    class Blank(dict[str, Any]):
        def __missing__(self, key: str) -> str:
            return "-"

    return template.format_map(Blank(line))
