"""The pages show what the published tables hold, escaped, offline, and also where there is little."""

from collections.abc import Mapping
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import duckdb
import pytest
import yaml

from assets.publishing.pages.charts import Bar, Curve, Point, bars, gain
from assets.publishing.pages.content import Number, Published, count, percent, sentence
from assets.publishing.pages.write import INDEX, Site, write_pages
from orchestration.settings import Settings
from orchestration.site import site_of
from tests.page_numbers import compare_numbers, numbers_of

COUNTS = ("true_positive", "false_positive", "true_negative", "false_negative")
CUTOFF_METRICS = ("precision", "recall", "f1", "lift", "gain")
PROJECT = Path(__file__).parents[3]
EMPTY: Mapping[str, str] = {
    "published.model_registry": "model_name varchar, model_version varchar, stage varchar, "
    "trained_at timestamptz, quality_grade varchar",
    "published.prediction_totals": "model_name varchar, as_of_date date, n_scored bigint, "
    "expected_positives double, expected_positives_lo double, expected_positives_hi double, "
    "observed_positives bigint",
    "published.retrain_log": "model_name varchar, as_of_date date, decided_at timestamptz, decision varchar, "
    '"trigger" varchar, reasons varchar',
    "published.metrics": "model_version varchar, split varchar, slice_name varchar, slice_value varchar, "
    "metric varchar, value double, ci_lo double, ci_hi double, n bigint",
    "published.calibration_bins": "model_version varchar, split varchar, slice_name varchar, bin integer, "
    "n bigint, mean_predicted double, mean_observed double, ci_lo double, ci_hi double",
    "published.checks": "check_name varchar, asset varchar, severity varchar, status varchar, "
    "reason varchar, run_id varchar, checked_at timestamptz",
    "published.audiences": "audience varchar, as_of_date date, customer_id varchar, value double",
    "published.drift": "model_name varchar, as_of_date date, slice_name varchar, feature varchar, "
    "verdict varchar, psi double, psi_noise double, missing_delta double, windows_violated bigint",
    "published.usability_report": "name varchar, step varchar, state varchar, details varchar",
    "published.segment_profiles": "scheme varchar, segment_name varchar, as_of_date date, feature varchar, "
    "index_vs_all double",
    "published.segments_latest": "scheme varchar, segment_name varchar, as_of_date date",
    "published.lifetime_value_latest": "customer_id varchar, as_of_date date, horizon_days integer, "
    "is_eligible boolean, predicted_value double, baseline_value double, predicted_orders double, "
    "currency varchar, quality_grade varchar",
    **{
        f"published.{name}_latest": "customer_id varchar, as_of_date date, is_eligible boolean, "
        "is_holdout boolean, consent_ads boolean, probability double, prob_lo double, prob_hi double, "
        "decile integer, "
        + ", ".join(
            f"reason_{place}_{part} varchar"
            for place in (1, 2, 3)
            for part in ("code", "direction", "sentence")
        )
        for name in ("purchase_propensity", "churn")
    },
    "published.cutoffs_latest": "capability varchar, as_of_date date, cut varchar, share double, "
    "threshold double, n_scored bigint, n_selected bigint, expected_positives double, "
    "expected_hits double, expected_misses double, n bigint, n_positive bigint, "
    + ", ".join(
        [
            f"{prefix}{name}"
            for prefix in ("", "baseline_")
            for name in (
                *(f"{count}s bigint" for count in COUNTS),
                *(f"{metric}{end} double" for metric in CUTOFF_METRICS for end in ("", "_lo", "_hi")),
            )
        ]
    ),
}
# The serving version's bins say 20 % and 60 %, and 3 of 10 and 6 of 10 happened.
FILLED = """
insert into published.model_registry values
    ('purchase_propensity', 'v1', 'champion', '2024-07-01', 'Good'),
    ('churn', 'c1-fallback', 'champion', '2024-07-01', 'Poor');
insert into published.prediction_totals values
    ('purchase_propensity', '2024-06-24', 4, 2.0, 1.0, 3.0, 3),
    ('purchase_propensity', '2024-07-01', 4, 1.5, 0.5, 2.75, null);
insert into published.purchase_propensity_latest values
    ('a''1', '2024-07-01', true, false, true, 0.7, 0.6, 0.8, 1,
     'sessions_30d', 'raises', '9 visits; typical: 2', 'spend', 'raises', 'spent <100>', null, null, null),
    ('b2', '2024-07-01', true, true, true, 0.5, 0.4, 0.6, 1, 'sessions_30d', 'raises',
     '9 visits; typical: 2', null, null, null, null, null, null),
    ('c3', '2024-07-01', true, false, null, 0.2, 0.1, 0.3, 2, 'spend', 'lowers', 'spent 1',
     'sessions_30d', 'raises', '8 visits; typical: 2', null, null, null),
    ('d4', '2024-07-01', true, false, true, 0.1, 0.0, 0.2, 2,
     null, null, null, null, null, null, null, null, null),
    ('e5', '2024-07-01', false, false, false, 0.9, null, null, null, 'spend', 'lowers', 'spent 1',
     null, null, null, null, null, null);
insert into published.cutoffs_latest by name
    select 'purchase_propensity' as capability, '2024-07-01' as as_of_date, 'top_50_percent' as cut,
    0.5 as share, 0.5 as threshold, 4 as n_scored, 2 as n_selected, 1.5 as expected_positives,
    1.2 as expected_hits, 0.8 as expected_misses, 20 as n, 9 as n_positive, 6 as true_positives,
    4 as false_positives, 7 as true_negatives, 3 as false_negatives, 0.6 as precision, 0.45 as precision_lo,
    0.75 as precision_hi, 6 / 9 as recall, 0.5 as recall_lo, 0.8 as recall_hi, 0.6 / 0.45 as lift,
    1.1 as lift_lo, 1.6 as lift_hi, 6 / 9 as gain, 0.5 as gain_lo, 0.8 as gain_hi,
    4 as baseline_true_positives, 6 as baseline_false_positives, 0.4 as baseline_precision,
    0.3 as baseline_precision_lo, 0.5 as baseline_precision_hi, 4 / 9 as baseline_recall,
    0.3 as baseline_recall_lo, 0.6 as baseline_recall_hi, 0.4 / 0.45 as baseline_lift,
    0.7 as baseline_lift_lo, 1.1 as baseline_lift_hi, 4 / 9 as baseline_gain, 0.3 as baseline_gain_lo,
    0.6 as baseline_gain_hi;
insert into published.cutoffs_latest by name
    select 'purchase_propensity' as capability, '2024-07-01' as as_of_date, 'best_f1' as cut, 0.75 as share,
    0.2 as threshold, 4 as n_scored, 3 as n_selected, 1.5 as expected_positives, 1.4 as expected_hits,
    1.6 as expected_misses, 20 as n, 9 as n_positive, 8 as true_positives, 6 as false_positives,
    5 as true_negatives, 1 as false_negatives, 16 / 23 as f1, 0.5 as f1_lo, 0.8 as f1_hi,
    8 / 14 as precision, 0.4 as precision_lo, 0.7 as precision_hi, 0.5 as baseline_f1,
    0.4 as baseline_f1_lo, 0.6 as baseline_f1_hi, 3 as baseline_true_positives,
    0 as baseline_false_positives, 11 as baseline_true_negatives, 6 as baseline_false_negatives;
insert into published.cutoffs_latest by name
    select 'purchase_propensity' as capability, '2024-07-01' as as_of_date, 'top_1_percent' as cut,
    0.01 as share, 4 as n_scored, 0 as n_selected, 1.5 as expected_positives, 0 as expected_hits,
    0 as expected_misses, 20 as n, 9 as n_positive, 0 as true_positives, 0 as false_positives,
    11 as true_negatives, 9 as false_negatives, 0 as recall, 0 as recall_lo, 0 as recall_hi, 0 as gain,
    0 as gain_lo, 0 as gain_hi;
insert into published.cutoffs_latest by name
    select 'churn' as capability, '2024-07-01' as as_of_date, 'top_50_percent' as cut, 0.5 as share,
    0.3 as threshold, 10 as n_scored, 5 as n_selected, 4 as expected_positives, 3 as expected_hits,
    2 as expected_misses;
insert into published.metrics values
    ('v1', 'test', 'all', 'all', 'auc', 0.8125, 0.75, 0.875, 20),
    ('v1', 'test', 'all', 'all', 'baseline_auc', 0.5, 0.4, 0.6, 20),
    ('v1', 'test', 'country', '<i>France</i>', 'mean_observed', 0.25, 0.125, 'inf', 20);
insert into published.calibration_bins values
    ('v1', 'test', 'all', 1, 10, 0.2, 0.3, 0.1, 0.6), ('v1', 'test', 'all', 2, 10, 0.6, 0.6, 0.3, 0.9);
insert into published.checks values
    ('keys_are_unique', 'ml/scores', 'error', 'passed', 'ok', 'r2', '2024-07-01 10:00'),
    ('scores_match', 'ml/scores', 'warning', 'failed', '<script>alert(1)</script>', 'r2', '2024-07-01 10:01'),
    ('keys_are_unique', 'ml/scores', 'error', 'failed', 'before', 'r1', '2024-06-24 10:00');
insert into published.audiences values
    ('likely_and_valuable', '2024-06-24', 'a', 9), ('likely_and_valuable', '2024-07-01', 'b', 10),
    ('likely_and_valuable', '2024-07-01', 'c', 30.5), ('win_back', '2024-07-01', 'b', 0.5);
insert into published.drift values
    ('purchase_propensity', '2024-07-01', 'all', 'orders_30d', 'drifted', 0.4, 0.01, 0.02, 3),
    ('purchase_propensity', '2024-07-01', 'all', 'country', 'watch', 0.1, 0.02, 0, 1);
insert into published.segments_latest values
    ('rfm', 'loyal', '2024-07-01'), ('rfm', 'loyal', '2024-07-01'),
    ('rfm', 'lost', '2024-07-01'), ('rfm', null, '2024-07-01');
insert into published.segment_profiles values ('rfm', 'loyal', '2024-07-01', 'orders_365d', 250);
insert into published.lifetime_value_latest values
    ('a', '2024-07-01', 30, true, 100, 80, 2, 'EUR', 'Fair'),
    ('b', '2024-07-01', 30, true, 20, 30, 1, 'EUR', 'Fair'),
    ('c', '2024-07-01', 30, false, null, null, null, null, null);
insert into published.usability_report values
    ('churn', 'capability', 'off', 'order_lines: 2 customers, 500 needed');
"""


def create(file: Path, tables: Mapping[str, str], rows: str = "") -> Path:
    with duckdb.connect(str(file)) as connection:
        for name, columns in tables.items():
            connection.execute(f"create schema if not exists {name.split('.')[0]}")
            connection.execute(f"create table {name} ({columns})")
        for statement in filter(str.strip, rows.split(";\n")):
            connection.execute(statement)
    return file


@pytest.fixture
def site(tmp_path: Path) -> Site:
    settings = Settings(var_dir=tmp_path / "var")
    return replace(site_of(settings, settings.load_business()), business="Ann & <b>Bob</b>")


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    return create(
        tmp_path / "warehouse.duckdb",
        {
            "raw.load_log": "source varchar, table_name varchar, rows_in bigint, rows_loaded bigint, "
            "rows_rejected bigint, rows_left_out bigint",
            "raw.rejects": "source varchar, reason varchar",
            "ml.audiences": "audience varchar, as_of_date date, suppress_reason varchar",
        },
        "insert into raw.load_log values ('orders', 'order_lines', 10, 6, 3, 1);\n"
        "insert into raw.rejects values "
        "('orders', 'quantity ''secret'' is not a number: map replace(qty)');\n"
        "insert into ml.audiences values "
        "('likely_and_valuable', '2024-07-01', null), ('likely_and_valuable', '2024-07-01', 'no_consent');\n",
    )


@pytest.fixture
def pages(tmp_path: Path, site: Site, warehouse: Path) -> dict[str, str]:
    snapshot = create(tmp_path / "marketing.duckdb", EMPTY, FILLED)
    files = write_pages(site, snapshot=snapshot, warehouse=warehouse, folder=tmp_path / "reports")
    return {file.name: file.read_text() for file in files}


def test_each_number_on_a_page_is_what_its_query_gives_on_the_published_tables(
    tmp_path: Path, pages: Mapping[str, str]
) -> None:
    compared = compare_numbers(
        pages.values(), snapshot=tmp_path / "marketing.duckdb", warehouse=tmp_path / "warehouse.duckdb"
    )
    assert compared > 180


def test_the_made_tables_have_columns_of_the_published_ones() -> None:
    files = (PROJECT / "dbt_project" / "models" / "published").glob("[a-z]*.yml")
    models = [model for file in files for model in yaml.safe_load(file.read_text())["models"]]
    published = {
        f"published.{model['name']}": {(column["name"], column["data_type"]) for column in model["columns"]}
        for model in models
    }
    for table, columns in EMPTY.items():
        made = {tuple(column.replace('"', "").split()) for column in columns.split(", ")}
        assert made <= published[table], table


def text_of(page: str) -> str:
    """The words of a page without its markup."""
    found: list[str] = []

    class Words(HTMLParser):
        def handle_data(self, data: str) -> None:
            found.append(data)

    Words().feed(page.partition("</style>")[2])
    return " ".join(" ".join(found).split())


def test_the_first_page_says_what_a_person_would_count_by_hand(pages: Mapping[str, str]) -> None:
    text = text_of(pages[INDEX])
    assert "As of Monday 1 July 2024" in text
    # 1.5 of 4 customers, rounded; 100 + 20 of lifetime value; 10 + 30.5 of the audience.
    assert "2 of 4 customers; 95 % interval 0 to 3" in text
    assert "120 EUR" in text
    assert "2 customers: those of the best tenth by expected spend who may be contacted" in text
    assert "expected to spend 40 GBP in 30 days" in text
    # What a rule of the YAML ranks by is no amount.
    assert "1 customers: those of its rule in the YAML who may be contacted. make audience" in text
    assert "Of 2 candidates some are left out: 1 have not consented to advertising" in text
    # From 2.0 to 1.5; b (into two audiences) and c entered, a left.
    assert "-25.0 %" in text
    assert "Since 2024-06-24, 3 customers entered an audience and 1 left one" in text
    assert "1 checks passed, 1 failed, 0 did not run" in text


def test_a_capability_s_page_has_deciles_calibration_and_reasons(pages: Mapping[str, str]) -> None:
    text = text_of(pages["purchase_propensity.html"])
    assert "Good Ranks customers well" in text
    # Decile 1: 0.7 + 0.5 of two customers, 0.8 misses, mean 0.6 over 0.375, 1.2 of 1.5 hits.
    assert "1 2 1 1 1.60 80.0 %" in text
    # Decile 2: 0.2 + 0.1, 1.7 misses, mean 0.15 over 0.375.
    assert "2 2 0 2 0.40 100.0 %" in text
    assert "0.812 0.750 0.875 0.500" in text
    assert "1 10 20.0 % 30.0 % 10.0 % 60.0 %" in text
    assert "2024-06-24 4 2 1 3 3" in text


def test_reasons_are_counted_and_have_their_most_frequent_sentence(pages: Mapping[str, str]) -> None:
    text = text_of(pages["purchase_propensity.html"])
    # First reason of a'1 and b2, second of c3; two of the three have the same sentence.
    assert "How often and how recently they visit raises 2 3 9 visits; typical: 2 2" in text
    # The row of e5, who is not eligible, does not count.
    assert "Spend lowers 1 1 spent 1 1" in text
    assert "Spend raises 0 1 spent <100> 1" in text


def test_the_first_page_has_the_customers_with_the_highest_probability(pages: Mapping[str, str]) -> None:
    text = text_of(pages[INDEX])
    assert (
        "a'1 2024-07-01 70.0 % 60.0 % to 80.0 % yes 9 visits; typical: 2 (raises) spent <100> (raises) "
        "b2 2024-07-01 50.0 % 40.0 % to 60.0 % no: holdout 9 visits; typical: 2 (raises) "
        "c3 2024-07-01 20.0 % 10.0 % to 30.0 % no: no consent"
    ) in text
    # d4 has no reason, and e5 is not eligible.
    assert "d4 2024-07-01 10.0 % 0.0 % to 20.0 % yes none" in text
    assert "e5" not in text


def test_a_cut_off_has_what_is_expected_and_what_was_measured_beside_the_baseline(
    pages: Mapping[str, str],
) -> None:
    text = text_of(pages["purchase_propensity.html"])
    # Of 4 customers the first 2 hold 0.7 + 0.5 of 1.5 expected outcomes; nobody is in the top 1 %.
    assert "Top 1 % - 0 0.0 % 0 0 0.0 % Top 50 % 50.0 % 2 50.0 % 1 1 80.0 % Best F1 20.0 % 3 75.0 %" in text
    assert "On 20 rows of newer dates, which the model had not seen; 9 had the outcome" in text
    # 6 of 10 selected rows and of 9 outcomes; the rate is 9 of 20.
    assert (
        "Top 50 % 60.0 % 45.0 % to 75.0 % 40.0 % 30.0 % to 50.0 % 66.7 % 50.0 % to 80.0 % 44.4 % 30.0 % to "
        "60.0 % 1.33 1.10 to 1.60 0.89 0.70 to 1.10"
    ) in text
    assert "Top 1 % - - 0.0 % 0.0 % to 0.0 %" in text
    assert "0.696 (95 % interval 0.500 to 0.800 ); baseline: 0.500 ( 0.400 to 0.600 )" in text
    assert "With the outcome 8 1 3 6 Without the outcome 6 5 0 11" in text
    # Half of the rows to the right, two thirds of the outcomes upwards.
    assert "50.0 % of customers hold 66.7 % of outcomes" in text


def test_a_fallback_has_expected_cut_offs_and_says_that_nothing_was_measured(
    pages: Mapping[str, str],
) -> None:
    text = text_of(pages["churn.html"])
    assert "Top 50 % 30.0 % 5 50.0 % 3 2 75.0 %" in text
    assert "A fallback serves: no precision, recall or lift was measured" in text
    assert "What a cut-off brought" not in text
    assert "A fallback serves" not in pages["purchase_propensity.html"]


def test_a_fallback_has_its_own_meaning_and_nothing_measured(pages: Mapping[str, str]) -> None:
    text = text_of(pages["churn.html"])
    assert "Poor No model passed the gate" in text
    assert "withheld No probability is published" in text


def test_amounts_graded_poor_have_no_total_anywhere(tmp_path: Path, site: Site, warehouse: Path) -> None:
    graded_poor = "update published.lifetime_value_latest set quality_grade = 'Poor';\n"
    snapshot = create(tmp_path / "marketing.duckdb", EMPTY, FILLED + graded_poor)
    files = write_pages(site, snapshot=snapshot, warehouse=warehouse, folder=tmp_path / "reports")
    pages = {file.name: text_of(file.read_text()) for file in files}
    first, values = pages[INDEX], pages["lifetime_value.html"]
    assert "Expected spend in 30 days no total Graded Poor" in first
    assert "expected to spend" not in first
    assert "30 days 2 no total no total no total" in values
    assert "120" not in first + values


def test_drift_and_data_quality_are_our_own_verdicts(pages: Mapping[str, str]) -> None:
    drift = text_of(pages["drift.html"])
    assert "1 of 2 features are judged drifted" in drift
    assert "orders_30d drifted 0.400 0.010 2.0 %" in drift
    quality = text_of(pages["quality.html"])
    assert "orders order_lines 1 10 6 1 3 30.0 %" in quality
    assert "map replace(qty)" in quality
    assert "secret" not in pages["quality.html"]


def test_what_is_not_finite_is_a_dash(pages: Mapping[str, str]) -> None:
    assert "inf" not in [text for page in pages.values() for _, _, text in numbers_of(page)]
    assert "12.5 % - -" in text_of(pages["purchase_propensity.html"])


def test_texts_of_the_data_are_escaped_and_nothing_is_loaded_from_elsewhere(pages: Mapping[str, str]) -> None:
    everything = "".join(pages.values())
    assert "<script" not in everything
    assert "&lt;script&gt;alert(1)" in pages["quality.html"]
    assert "Ann &amp; &lt;b&gt;Bob&lt;/b&gt;" in pages[INDEX]
    assert "<i>France" not in everything
    assert not any(word in everything for word in ("http:", "https:", "src=", "@import", "url("))


def test_pages_are_small_and_link_only_to_pages_that_exist(pages: Mapping[str, str]) -> None:
    for name, page in pages.items():
        assert len(page.encode()) < 1_000_000
        targets = {part.split('"')[0] for part in page.split('href="')[1:]}
        assert targets <= set(pages), name
        assert f"· {'Ann &amp; &lt;b&gt;Bob&lt;/b&gt;'} · Monday 1 July 2024</title>" in page


def test_a_business_of_which_nothing_is_known_yet_has_pages_too(
    tmp_path: Path, site: Site, warehouse: Path
) -> None:
    snapshot = create(tmp_path / "marketing.duckdb", EMPTY)
    files = write_pages(site, snapshot=snapshot, warehouse=warehouse, folder=tmp_path / "reports")
    text = text_of(files[0].read_text())
    assert "As of no date yet" in text
    assert "withheld" in text
    assert "This is the first as-of date" in text


def test_a_card_and_a_replay_are_linked_where_there_are_any(
    tmp_path: Path, site: Site, warehouse: Path
) -> None:
    card = site.models / "purchase_propensity" / "v1" / "card.md"
    card.parent.mkdir(parents=True)
    card.write_text("# Card <of> a model")
    site.reports.mkdir(parents=True)
    (site.reports / "replay_churn.html").write_text("a replay")
    snapshot = create(tmp_path / "marketing.duckdb", EMPTY, FILLED)
    files = write_pages(site, snapshot=snapshot, warehouse=warehouse, folder=tmp_path / "reports")
    pages = {file.name: file.read_text() for file in files}
    assert "# Card &lt;of&gt; a model" in pages["card_purchase_propensity.html"]
    assert 'href="replay_churn.html"' in pages["documents.html"]
    assert (tmp_path / "reports" / "replay_churn.html").read_text() == "a replay"


def test_a_number_without_a_value_is_a_dash_and_zero_is_a_number() -> None:
    with duckdb.connect(config={"temp_directory": ""}) as connection:
        found = Published(connection)
        assert found.number("select null").text == "-"
        assert not found.number("select 1 where false")
        zero = found.number("select 0", percent)
        assert zero
        assert zero.text == "0.0 %"


def test_the_longest_bar_has_the_whole_width() -> None:
    def number(value: float) -> Number:
        return Number(value=value, text=count(value), sql="select 1")

    drawn = str(bars([Bar(label="<a>", part=number(5)), Bar(label="b", part=number(10))]))
    assert 'width="150.0"' in drawn
    assert 'width="300.0"' in drawn
    assert "&lt;a&gt;" in drawn
    assert sentence("{}", number(5)) == '<data value="5" title="select 1">5</data>'


def test_a_curve_of_gain_runs_from_nobody_to_everybody_and_up_means_more() -> None:
    half, most = (Number(value=value, text=f"{value}", sql="select 1") for value in (0.5, 0.75))
    drawn = str(gain([Curve(name="<Model>", points=[Point(x=half, y=most, low=half, high=most)])]))
    # From 56 to 616 and from 300 up to 20.
    assert 'points="56.0,300.0 336.0,90.0 616.0,20.0"' in drawn
    assert "&lt;Model&gt;" in drawn
