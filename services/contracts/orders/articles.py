"""Articles: the services that can be ordered."""

from services.contracts.sites import Fraction
from services.contracts.values import (
    Id,
    Money,
    Value,
)


class Article(Value, frozen=True, kw_only=True):
    """A service that can be ordered and invoiced."""

    id: Id
    """The global id."""
    article_number: str
    """The number in the operator's ERP."""
    name: str
    """The name, in the caller's language."""
    fraction: Fraction
    """The fraction of the waste."""
    waste_code: str
    """The code of the European List of Waste."""
    unit: str
    """The unit that ``price`` is for."""
    price: Money | None
    """The price of one unit; None without the billing permission, or if the article has no price that day."""
