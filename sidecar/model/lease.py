"""How long the holder of a lease may trust it (docs/leases.md)."""

from __future__ import annotations

#: Of both leases, the daemon's on its work and a claim on an event.  They end by the database's
#: clock and are trusted by the process's own; the rest of the time is for what lies between the
#: two: an answer that dawdles and clocks that run at different speeds.  A lease is renewed every
#: third of its time, so at 0.7 one renewal may fail and the next still comes in time.
TRUSTED_SHARE = 0.7


def trusted_until(asked_at: float, lease_seconds: float) -> float:
    """The monotonic moment after which its holder begins nothing more.

    `asked_at`: before the request for the lease was sent; the database can only have counted from
    a later moment, so however slow its answer was, the lease is not over yet.
    """
    return asked_at + lease_seconds * TRUSTED_SHARE
