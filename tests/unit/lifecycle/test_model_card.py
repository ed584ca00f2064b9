"""The shared parts of a model card, around the sections of a capability."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pandas as pd

from assets.lifecycle.capability import Capability, TrainingRecord
from assets.lifecycle.gate import Decision, refused
from assets.lifecycle.report.grade import GRADES
from assets.lifecycle.report.model_card import markdown_table, model_card
from assets.lifecycle.store.registry import VersionStatus, registry_row
from assets.lifecycle.store.schemas import BIN_TYPES, METRIC_TYPES, typed
from tests.unit.lifecycle.toy import SPEC


class Sections(Capability[Any, Any, Any, Any]):
    """A capability with one section; nothing else of it is called."""

    spec = SPEC

    def card_sections(
        self, registry: Mapping[str, Any], metrics: pd.DataFrame, bins: pd.DataFrame
    ) -> Mapping[str, str]:
        del metrics, bins
        return {"Limits": f"Learned from {registry['n_rows']} rows."}


def card(decision: Decision, *, record: TrainingRecord) -> str:
    """The card of a version."""
    # Only the card's own method is there; the abstract ones are not called.
    Sections.__abstractmethods__ = frozenset()
    status = VersionStatus(
        model_version="v2",
        stage="champion",
        quality_grade="Good",
        trained_at=datetime(2026, 1, 5),  # noqa: DTZ001 - tables hold naive UTC
        code_hash="c",
        data_hash="d",
        model_sha256="m",
    )
    return model_card(
        Sections(),  # type: ignore[abstract]
        registry_row(SPEC, record, status),
        decision=decision,
        metrics=typed([], METRIC_TYPES),
        bins=typed([], BIN_TYPES),
    )


def test_a_card_states_question_owner_grade_decision_and_hashes() -> None:
    text = card(Decision(promote=True, reasons=("beats it", "twice")), record=TrainingRecord(n_rows=7))
    assert text.startswith("# order_rate, version v2\n\n**How many orders does a customer place?**")
    assert f"Grade **Good**: {GRADES[1].meaning}" in text
    assert "Owner: marketing." in text
    assert "Promoted:\n\n* beats it\n* twice\n" in text
    assert "7 training rows, from `marts.orders`." in text
    assert "## Limits\n\nLearned from 7 rows." in text
    assert "SHA-256: model files `m`, code `c`,\ndeclaration" in text


def test_a_card_without_folds_or_positives_has_dashes_and_no_positives() -> None:
    text = card(refused("too few"), record=TrainingRecord(n_rows=7))
    assert "Not promoted:\n\n* too few" in text
    assert "| train | \u2013 | \u2013 |" in text
    assert "positive" not in text
    assert "7 training rows, 2 of them positive" in card(
        refused("too few"), record=TrainingRecord(n_rows=7, n_positive=2)
    )


def test_a_table_has_a_line_under_its_header() -> None:
    assert markdown_table(("a", "b"), [(1, "x")]) == "| a | b |\n| --- | --- |\n| 1 | x |"


HOSTILE = "DE</script><script>alert(1)</script>|![x](http://evil.example/x.png)`\n# heading"


def test_a_delivered_value_in_a_cell_or_a_reason_is_text() -> None:
    inert = r"DE&lt;/script>&lt;script>alert(1)&lt;/script>\|![x]\(http://evil.example/x.png)\` # heading"
    assert markdown_table(("a",), [(HOSTILE,)]).splitlines()[2] == f"| {inert} |"
    assert f"\n* {inert}\n" in card(refused(HOSTILE), record=TrainingRecord(n_rows=7))
    assert markdown_table(("0.7 [0.6, 0.8]",), []).startswith("| 0.7 [0.6, 0.8] |")
