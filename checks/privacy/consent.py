"""What must be true of published rows and the answers of the customers they are about."""

from checks.verdict import Verdict


def audience_has_consent_and_no_holdout(*, members: int, without: int) -> Verdict:
    """Whoever is in the audience had allowed advertising when the morning began, and is not held out.

    Args:
        members: Members of the morning's audience.
        without: Those of them whose newest answer before the morning was no grant, or who are held out.
    """
    return Verdict(
        passed=without == 0,
        reason=f"{without:,} of {members:,} members had not allowed advertising or are held out",
        value=float(without),
        threshold=0.0,
        evidence={"n": float(members)},
    )


def scored_customers_have_consent(*, rows: int, without: int, is_recorded: bool) -> Verdict:
    """Whoever is said anything about had allowed profiling when the morning began.

    Args:
        rows: Rows of the morning that say something of a customer.
        without: Those of them whose customer's newest answer before the morning was no grant, or missing.
        is_recorded: Whether the business records consent; where it does not, consent is unknown.
    """
    if not is_recorded:
        return Verdict(
            passed=True,
            reason="no consent is recorded here: it is unknown, and nobody is put into an audience",
            evidence={"n": float(rows)},
        )
    return Verdict(
        passed=without == 0,
        reason=f"{without:,} of {rows:,} rows say something of a customer who had not allowed profiling",
        value=float(without),
        threshold=0.0,
        evidence={"n": float(rows)},
    )
