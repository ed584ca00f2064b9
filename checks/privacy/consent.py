"""Consent and holdout checks of scored customers and of audience members."""

from collections.abc import Mapping

from checks.verdict import Verdict

PROFILING = "profiling"


def somebody_can_be_scored(
    *, customers: int, eligible: int, orders: int, guest_orders: int, granted: Mapping[str, int]
) -> Verdict:
    """At least one customer of the as-of date may be scored.

    Args:
        customers: Customers with an order before the as-of date.
        eligible: Of those, customers who may be profiled.
        orders: Orders in the warehouse.
        guest_orders: Of those, orders without a customer_id.
        granted: Customers whose latest answer before the as-of date was yes, by purpose that was asked for.
    """
    reason = f"{eligible:,} of {customers:,} customers may be scored"
    if not customers:
        reason = f"no customer is known: {guest_orders:,} of {orders:,} orders have an empty customer_id"
    elif not eligible:
        answers = ", ".join(f"{purpose} {count:,}" for purpose, count in sorted(granted.items())) or "none"
        reason = (
            f"none of {customers:,} customers has granted the purpose {PROFILING!r}, so nobody is scored; "
            f"customers who have granted, by purpose that was asked for: {answers}"
        )
    return Verdict(
        passed=eligible > 0,
        reason=reason,
        value=float(eligible),
        threshold=1.0,
        evidence={"n": float(customers)},
    )


def audience_has_consent_and_no_holdout(*, members: int, without: int) -> Verdict:
    """Every audience member had consented to advertising before the as-of date and is not held out.

    Args:
        members: Members of the audience of the as-of date.
        without: Members whose latest answer before the as-of date was no consent, or who are held out.
    """
    return Verdict(
        passed=without == 0,
        reason=f"{without:,} of {members:,} members had not consented to advertising or are held out",
        value=float(without),
        threshold=0.0,
        evidence={"n": float(members)},
    )


def scored_customers_have_consent(*, rows: int, without: int, is_recorded: bool) -> Verdict:
    """Every customer with a score had consented to profiling before the as-of date.

    Args:
        rows: Score rows of eligible customers on the as-of date.
        without: Rows of customers whose latest answer before the as-of date was no consent, or is missing.
        is_recorded: Whether the business records consent; where it does not, consent is unknown.
    """
    if not is_recorded:
        return Verdict(
            passed=True,
            reason="this business records no consent: it is unknown, and no audience is built",
            evidence={"n": float(rows)},
        )
    return Verdict(
        passed=without == 0,
        reason=f"{without:,} of {rows:,} rows score a customer who had not consented to profiling",
        value=float(without),
        threshold=0.0,
        evidence={"n": float(rows)},
    )
