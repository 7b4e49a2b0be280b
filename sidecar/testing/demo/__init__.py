"""The demonstration: the real daemon between a Magento database and an ERP that misbehaves."""

from sidecar.testing.demo.play import Demo
from sidecar.testing.demo.statement import Statement

__all__ = ["Demo", "Statement"]
