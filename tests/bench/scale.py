"""How long a benchmark may take."""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scale:
    """`quick`: to see that it runs, or for a first look; its figures scatter more."""

    quick: bool

    @classmethod
    def of_environment(cls) -> Scale:
        """BENCH_QUICK=1 asks for the quick one."""
        return cls(os.environ.get("BENCH_QUICK", "") not in ("", "0"))

    def pick(self, full: int, quick: int) -> int:
        """A number of orders, rounds or seconds."""
        return quick if self.quick else full
