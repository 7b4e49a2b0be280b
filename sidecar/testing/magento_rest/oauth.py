"""OAuth 1.0a with HMAC-SHA256, as Magento verifies it: over the address without its port."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, unquote

_PARAMETER = re.compile(r'(\w+)="([^"]*)"')
METHOD = "HMAC-SHA256"


@dataclass(frozen=True)
class Secrets:
    """The two secrets that together are the key of a signature."""

    consumer: str
    token: str


def parse_header(header: str) -> dict[str, str]:
    """The parameters of `Authorization: OAuth …`."""
    return {name: unquote(value) for name, value in _PARAMETER.findall(header)}


def signature(
    method: str, host: str, target: str, parameters: Mapping[str, str], secrets: Secrets
) -> str:
    """What `oauth_signature` has to be.

    `host` is the Host header; its port is left out, because Magento takes the address from the
    shop's own view of the request and loses it there.
    """
    path, _, query = target.partition("?")
    signed = [
        *((name, value) for name, value in parameters.items()
          if name not in ("realm", "oauth_signature")),
        *parse_qsl(query, keep_blank_values=True),
    ]  # fmt: skip
    pairs = sorted((_quoted(name), _quoted(value)) for name, value in signed)
    normal = "&".join(f"{name}={value}" for name, value in pairs)
    address = f"http://{host.partition(':')[0].lower()}{path}"
    text = "&".join((method.upper(), _quoted(address), _quoted(normal)))
    key = f"{_quoted(secrets.consumer)}&{_quoted(secrets.token)}"
    digest = hmac.new(key.encode(), text.encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def _quoted(text: str) -> str:
    return quote(text, safe="-._~")
