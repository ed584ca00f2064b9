"""The ``audiences`` key of a business's YAML."""

from pydantic import Field

from assets.ingest.config.source.pull import Declaration


class AudienceRule(Declaration):
    """Customers to contact, by a rule over the columns of ``published.customers_latest``.

    Consent to advertising and the holdout apply to every audience, whatever its rule.

    ``where`` is an SQL condition on one row, such as ``churn_tier = 'high' and historic_orders >= 3``.
    ``rank_by`` is an SQL number, the highest first; a customer without one is no candidate. ``most`` is the
    largest number of members.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")
    where: str
    rank_by: str = "predicted_value_30d"
    most: int = Field(default=10_000, ge=1)
