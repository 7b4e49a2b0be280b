"""docs/images/top.svg, drawn from a look at the demonstration's real daemon: `make pictures`.

No test compares it: numbers, times and the daemon's name are of that run.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from sidecar.app.sidecar import Sidecar
from sidecar.model.settlement import EventStatus
from sidecar.monitor.top.screen import Line, Tone, render
from sidecar.settings.load import load
from sidecar.testing.demo.orders import ANSWERED_LATE, DROPPED, SCENES
from sidecar.testing.demo.stage import Stage
from sidecar.testing.demo.statement import is_settled, read_orders
from sidecar.testing.magento_db import Shop

FILE = Path(__file__).parents[1] / "docs" / "images" / "top.svg"
WIDTH, HEIGHT = 96, 24
CELL, ROW, EDGE = 8.4, 18, 14
COLOURS: Mapping[Tone, str] = {
    "plain": "#d8dee9", "head": "#ffffff", "bad": "#ff8a80", "dim": "#8c95a6",
}  # fmt: skip
WEIGHTS: Mapping[Tone, str] = {"head": ' font-weight="bold"'}
PATIENCE = 60.0


def svg(lines: Sequence[Line]) -> str:
    """Lines as a terminal shows them."""
    width, height = round(WIDTH * CELL + 2 * EDGE), len(lines) * ROW + 2 * EDGE
    rows = [
        f'<text x="{EDGE}" y="{EDGE + ROW * number + 13}" fill="{COLOURS[line.tone]}"'
        f"{WEIGHTS.get(line.tone, '')} "
        f'xml:space="preserve">{escape(line.text)}</text>'
        for number, line in enumerate(lines)
        if line.text
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="DejaVu Sans Mono, Menlo, monospace" '
        'font-size="14">\n'
        f'<rect width="{width}" height="{height}" rx="8" fill="#1f2430"/>\n'
        + "\n".join(rows)
        + "\n</svg>\n"
    )


def screen() -> list[Line]:
    """The demonstration with two figures that the ERP books otherwise, and fresh orders."""
    stage = Stage()
    try:
        magento, erp = stage.build()
        erp.rule("answer_late", sku=ANSWERED_LATE, seconds=5, times=1)
        erp.rule("accept_then_drop", sku=DROPPED, times=1)
        erp.rule("drop_line", sku="WARRANTY", times=1)
        erp.rule("rounded_total", sku="RIBBON", times=1)
        with Shop(magento) as shop:
            for scene in SCENES:
                shop.place(scene.lines, **scene.how)
            deadline = time.monotonic() + PATIENCE
            while not is_settled(read_orders(magento), erp.documents()):
                stage.check()
                assert time.monotonic() < deadline, "the demonstration comes to no end"
                time.sleep(0.1)
            erp.rule("answer_late", seconds=1)
            for scene in SCENES[:9]:
                shop.place(scene.lines, **scene.how)
            return _look(stage)
    finally:
        stage.strike()


def _look(stage: Stage) -> list[Line]:
    sidecar = Sidecar(load(stage.config).settings)
    try:
        watch = sidecar.watch()
        while not (look := watch.look()).domains[0].events[EventStatus.SENDING]:
            time.sleep(0.05)
    finally:
        sidecar.close()
    return render(look, WIDTH, HEIGHT, foot="q ends; renewed every second")


if __name__ == "__main__":
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(svg(screen()), encoding="utf-8")
