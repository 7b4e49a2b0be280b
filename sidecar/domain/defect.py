"""What is said of an error that nobody foresaw: where it came from, never its own words."""

from __future__ import annotations

import traceback
from pathlib import Path

from sidecar.domain.errors import SidecarError

#: Enough to lead to it.
_PLACES = 8


def defect(doing: str, error: BaseException) -> SidecarError:
    """An error of ours for it; its own words are left out, as they may hold a customer's data."""
    return SidecarError(
        f"a defect {doing}: {type(error).__name__} at {frames(error)[-1]}",
        "please report it, with these places: " + ", ".join(frames(error)[-_PLACES:]),
    )


def frames(error: BaseException) -> list[str]:
    """`file.py:LINE function` of each call, the outermost first."""
    return [
        f"{Path(frame.filename).name}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
    ]
