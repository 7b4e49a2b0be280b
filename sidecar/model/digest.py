"""The checksum by which content is known again."""

from __future__ import annotations

import hashlib

import msgspec

_ENCODER = msgspec.msgpack.Encoder()


def digest(content: object) -> str:
    """48 characters for content that is plain values."""
    return hashlib.blake2b(_ENCODER.encode(content), digest_size=24).hexdigest()
