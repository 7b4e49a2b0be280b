"""Answers that what stands before the ERP gives in its place: a load balancer, a proxy, a CDN.

It has passed the request on, or not; the ERP has booked it, or not; the status does not tell.
"""

from __future__ import annotations

from http import HTTPStatus

_STATUSES = frozenset(
    {
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
        499,  # nginx: its client has gone
        *range(520, 531),  # Cloudflare and its like: no answer, or none that could be read
        *range(560, 562),  # load balancers of AWS
        598,
        599,  # time-outs of proxies
    }
)


def gateways_word(status: int) -> str:
    """Why such an answer is doubt; empty for a status that no gateway gives by itself."""
    if status not in _STATUSES:
        return ""
    return f"HTTP {int(status)} may come from a gateway after the ERP has booked"
