"""What can be made to go wrong, or to change, in the sample shop from a given date on."""

from dataclasses import dataclass
from datetime import date

BROKEN_TRACKING_DAYS = 7
LATE_BATCH_DAYS = 7
LATE_BY_DAYS = 10
POISONED_DAYS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class InjectedFaults:
    """Switches of the simulation: each is the first day on which it acts, or None for never.

    The files of months before the first such day stay byte-identical to those of the shop without it,
    except files that hold the whole period (customers.csv, reviews.jsonl, ...), and the events of people
    who look around before they sign up after a covariate drift.

    Attributes:
        covariate_drift_from: New sign-ups come from another mix of segments and countries; how each
            segment behaves stays.
        label_drift_from: Two segments change how often they order; the truth follows.
        broken_tracking_from: Seven days without events (no file at all).
        price_unit_change_from: Prices of order lines are exported in pence: 100 times as large.
        late_batch_from: Seven days of orders are missing from their month's file and exported ten days
            after the last of them, in ``orders_<month>_late.csv.gz``.
        bot_burst_from: One day with 50 times its events, from a handful of visitor ids.
        poisoned_labels_from: For thirty days, 5 % of the customers get a small order that nobody placed;
            the truth knows nothing of it.
    """

    covariate_drift_from: date | None = None
    label_drift_from: date | None = None
    broken_tracking_from: date | None = None
    price_unit_change_from: date | None = None
    late_batch_from: date | None = None
    bot_burst_from: date | None = None
    poisoned_labels_from: date | None = None


NO_FAULTS = InjectedFaults()
