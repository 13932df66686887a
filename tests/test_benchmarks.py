"""The rivals of the benchmarks compute what we do; else their seconds would say nothing."""

import sys
from pathlib import Path

import pandas as pd
import pytest

HOME = Path(__file__).parent.parent / "benchmarks"


@pytest.mark.slow
@pytest.mark.parametrize("who", ["duckdb", "polars", "pandas"])
def test_a_rival_has_our_values(who, tmp_path, monkeypatch):
    pytest.importorskip(who, reason=f"{who} comes with the extra `bench`")
    monkeypatch.setattr(sys, "path", [str(HOME), *sys.path])
    import bench_features
    import hand_written

    path = bench_features.make(tmp_path, 1)
    categories = ["GROCERY", "MEAT"]
    ours = bench_features._ours(str(path), categories, "2GB", "coterie")
    theirs = getattr(hand_written, f"with_{who}")(str(path), bench_features.AS_OF, categories, 1)
    ours.to_parquet(tmp_path / "ours")
    pd.DataFrame(theirs).to_parquet(tmp_path / "theirs")
    names = {
        "category_share_0": "category_share_grocery",
        "category_share_1": "category_share_meat",
    }
    assert bench_features.unequal(tmp_path / "ours", tmp_path / "theirs", names) == []
    assert len(ours) == 2469
