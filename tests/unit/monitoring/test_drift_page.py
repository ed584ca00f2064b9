"""The drift page opens without a network and sends nothing."""

import re
import socket
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from assets.monitoring.drift import page as page_module
from assets.monitoring.drift.page import html_report


def rows(n: int, *, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "spend": rng.lognormal(3, 1, n).astype("float32"),
            "orders": pd.array(rng.poisson(1, n), dtype="Int64"),
            "country": pd.Categorical(rng.choice(["UK", "DE"], n)),
            "lost": np.nan,
        }
    )


@pytest.mark.evidently
def test_the_page_needs_no_network_and_leaves_out_empty_columns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import iterative_telemetry  # type: ignore[import-untyped]  # noqa: PLC0415 - comes with Evidently

    sent: list[object] = []
    monkeypatch.setattr(socket.socket, "connect", lambda *address: sent.append(address))
    monkeypatch.setattr(iterative_telemetry.IterativeTelemetryLogger, "send_event", sent.append)
    monkeypatch.setattr(page_module, "MOST_ROWS", 300)
    file = tmp_path / "drift.html"
    today = rows(200, seed=2)
    today.loc[:20, "country"] = np.nan
    hostile = "DE</script><script>alert('1')</script>`${alert(1)}"
    today["country"] = today["country"].astype(object).where(today.index < 100, hostile)
    html_report(rows(900, seed=1), today, file=file)
    text = file.read_text()
    assert "PSI" in text
    assert "lost" not in re.findall(r'"column_name": ?"(\w+)"', text)
    assert not re.findall(r'<(?:script|img|iframe)[^>]+src="?(?:https?:)?//', text)
    assert not re.findall(r'<link[^>]+href="?(?:https?:)?//', text)
    assert sent == []
    # A delivered value is text wherever it stands.
    assert "alert(&#x27;1&#x27;)" in text
    assert "DE</script>" not in text
    assert "<script>alert" not in text


def test_columns_in_one_frame_only_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'country'"):
        html_report(rows(9, seed=1), rows(9, seed=2).drop(columns="country"), file=tmp_path / "drift.html")


def test_frames_without_values_are_refused(tmp_path: Path) -> None:
    empty = rows(9, seed=1)[["lost"]]
    with pytest.raises(ValueError, match="no column has values"):
        html_report(empty, empty, file=tmp_path / "drift.html")
