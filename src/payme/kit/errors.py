"""The tree of errors that people and programs may see.

    PaymeError
    ├── DomainError            a rule said no; nothing was changed
    │   ├── Invalid            the request makes no sense as it is           (422)
    │   ├── NotFound           no such thing in this business                (404)
    │   ├── Conflict           it clashes with the present state             (409)
    │   ├── Refused            understood, and not allowed now               (409, or 402 as PaymentRequired)
    │   ├── Forbidden          this person may not                           (403, or 401 as Unauthenticated)
    │   ├── Gone               what it goes on from is not kept any more     (410)
    │   ├── TooMuch            more at once than is taken                    (413)
    │   └── Outdated           the program that asks is too old, or too new  (426)
    └── ProviderError          the outside world
        ├── ProviderUnavailable   nothing was sent; try later
        ├── ProviderRefused       it said no; do not repeat
        └── OutcomeUnknown        it may have happened; ask, never repeat

Status codes are known to `runtime.http` alone. A code is stable and dotted; the class docstring is the default message.
"""

import inspect
from typing import Any, ClassVar


class PaymeError(Exception):
    """Something went wrong."""


class DomainError(PaymeError):
    """The request was refused by a rule."""

    code: ClassVar[str] = "payme.refused"
    retryable: ClassVar[bool] = False
    constraints: ClassVar[tuple[str, ...]] = ()
    """Database constraints whose violation means this error."""
    _registry: ClassVar[dict[str, type["DomainError"]]] = {}

    def __init__(self, message: str | None = None, /, **facts: Any) -> None:
        self.message = message or _first_paragraph(type(self))
        self.facts = facts
        super().__init__(self.message)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "code" in vars(cls):
            known = DomainError._registry.setdefault(cls.code, cls)
            assert known.__qualname__ == cls.__qualname__, f"two errors share the code {cls.code}"

    @classmethod
    def registered(cls) -> dict[str, type["DomainError"]]:
        """Return every error class by its code, for the reference page and for errors raised by SQL functions."""
        return dict(cls._registry)


class Invalid(DomainError):
    """The request makes no sense as it is."""

    code = "payme.invalid"
    pointer: ClassVar[str] = ""


class NotFound(DomainError):
    """There is no such thing here."""

    code = "payme.not_found"


class Conflict(DomainError):
    """It clashes with the present state."""

    code = "payme.conflict"


class Refused(DomainError):
    """This is not allowed now."""

    code = "payme.not_allowed_now"


class PaymentRequired(Refused):
    """Something must be bought first."""

    code = "payme.payment_required"


class Forbidden(DomainError):
    """You may not do this."""

    code = "payme.forbidden"


class Unauthenticated(Forbidden):
    """Say who you are first."""

    code = "payme.unauthenticated"


class Gone(DomainError):
    """What this goes on from is not kept any more; begin again."""

    code = "payme.gone"


class TooMuch(DomainError):
    """This is more than is taken at once."""

    code = "payme.too_much"


class Outdated(DomainError):
    """This version is not spoken here."""

    code = "payme.outdated"


class ProviderError(PaymeError):
    """A service outside PayMe did not do as asked."""

    def __init__(self, message: str, /, *, provider: str = "", code: str = "", **facts: Any) -> None:
        self.message, self.provider, self.code, self.facts = message, provider, code, facts
        super().__init__(message)


class ProviderUnavailable(ProviderError):
    """Nothing was sent; it may be tried later."""


class ProviderRefused(ProviderError):
    """The provider said no; repeating will not help."""


class OutcomeUnknown(ProviderError):
    """It may have happened; ask before anything is repeated."""


def _first_paragraph(error: type[DomainError]) -> str:
    return " ".join((inspect.getdoc(error) or "").split("\n\n", maxsplit=1)[0].split())
