"""Consent and holdout checks of scored customers and of audience members."""

from checks.verdict import Verdict


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
