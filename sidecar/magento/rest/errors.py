"""What a call to Magento may come to, other than its answer.

Beside these: `NotReached` (surely not done), `NotUnderstood` (a question whose answer cannot be
read), `ConfigurationError` (the address is not that of Magento's REST API).
"""

from __future__ import annotations

from collections.abc import Sequence

from sidecar.model.errors import BadData, PermissionDenied, Unavailable


class MagentoRefused(BadData):
    """Magento said no to these data, and did nothing: final until somebody changes them.

    `reasons`: one for each fault, as Magento words it in the shop's language.
    """

    def __init__(self, message: str, remedy: str = "", *, reasons: Sequence[str] = ()) -> None:
        super().__init__(message, remedy)
        self.reasons = tuple(reasons) or (message,)


class NoSuchEntity(MagentoRefused):
    """The order, document or SKU is not there."""


class LimitExceeded(MagentoRefused):
    """More records in one call than Magento's input limits allow (`most`); nothing was done."""

    def __init__(
        self, message: str, remedy: str = "", *, reasons: Sequence[str] = (), most: int = 1
    ) -> None:
        super().__init__(message, remedy, reasons=reasons)
        self.most = most


class MagentoUnknown(Unavailable):
    """The call may have reached Magento, and no answer tells whether it was done: ask first.

    `status`: of the answer that came, None where none came.
    """

    def __init__(self, message: str, remedy: str = "", *, status: int | None = None) -> None:
        super().__init__(message, remedy)
        self.status = status


class NotAuthorised(PermissionDenied):
    """Magento refused the login or a right is missing (it does not tell which); nothing was done.

    `resources`: the rights that it names (`Magento_Sales::ship`).
    """

    def __init__(self, message: str, remedy: str = "", *, resources: str = "") -> None:
        super().__init__(message, remedy)
        self.resources = resources
