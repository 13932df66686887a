import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.errors import SourceError
from features.ingestion import contract_rows
from features.ingestion.contract_rows import TENURE, Contracts, load, standing
from features.settings import contracts

T = pd.Timestamp
HEAD = """
[experiment]
name = "firm"
currency = "EUR"
max_reject_share = 0.5
{horizon}
[contracts]
url = "contracts.csv"
customer_id = "who"
{says}
[contracts.columns]
fee = {{ kind = "number" }}
plan = {{ kind = "category" }}
size = {{ kind = "ordered", order = ["S", "L"] }}
"""
UNDATED = HEAD.format(horizon="", says='ended = "left"\nended_values = ["yes"]\ntenure = "ran"')
DATED = HEAD.format(horizon="horizon_days = 30", says='start = "from"\nended_on = "until"')
LABELLED = """who,left,ran,fee,plan,size
1,yes,2,10.5,basic,S
2,no,0,,gold,L
3.0,No,-1,7,,M
,no,1,1,basic,S
5,,1,1,basic,S
"""
DAYS = """who,from,until,fee,plan,size
a,2023-12-01,,1,x,S
b,2024-01-01,2024-03-01,2,x,S
c,2024-02-29,2024-03-31,3,y,L
d,2024-03-01,,4,y,L
e,2024-01-01,2024-02-29,5,x,S
f,2024-03-02,2024-01-01,6,x,S
"""


def loaded(tmp_path: Path, text: str, rows: str, as_of: pd.Timestamp | None = None) -> Contracts:
    (tmp_path / "firm.toml").write_text(text)
    (tmp_path / "contracts.csv").write_text(rows)
    return load(contracts.load(tmp_path / "firm.toml"), as_of)


def test_contracts_may_be_in_any_encoding_that_is_named(tmp_path):
    (tmp_path / "contracts.csv").write_bytes(LABELLED.replace("1,yes", "Ť,yes").encode("cp1250"))
    said = 'encoding = "cp1250"\nended = "left"\nended_values = ["yes"]\ntenure = "ran"'
    (tmp_path / "firm.toml").write_text(HEAD.format(horizon="", says=said))
    found = load(contracts.load(tmp_path / "firm.toml"))
    assert found.rows["(customer_id)"].tolist() == ["Ť", "2", "3"]


def test_labelled_contracts_are_read_row_by_row(tmp_path: Path) -> None:
    read = loaded(tmp_path, UNDATED, LABELLED)
    rows = read.everything()
    assert rows.customer_id.tolist() == ["1", "2", "3"]
    assert rows.ended.tolist() == [1, 0, 0]
    assert list(rows.inputs) == [TENURE, "fee", "plan", "size"]
    np.testing.assert_array_equal(rows.inputs[TENURE], [2, 0, np.nan])  # -1 is no duration
    np.testing.assert_array_equal(rows.inputs["fee"], [10.5, np.nan, 7])
    assert rows.inputs["plan"].tolist() == ["basic", "gold", None]
    assert rows.inputs["size"].tolist() == ["S", "L", None]
    assert read.rejects[["row", "column", "value"]].fillna("").to_numpy().tolist() == [
        [3, "ran", "-1"], [3, "size", "M"], [4, "who", ""], [5, "left", ""],
    ]  # fmt: skip


def test_contracts_leave_rows_out(tmp_path: Path) -> None:
    leave_out = 'leave_out = { plan = "gold", who = "" }'
    text = UNDATED.replace('tenure = "ran"', f'tenure = "ran"\n{leave_out}')
    read = loaded(tmp_path, text, LABELLED.replace("M\n,no", "M\n4,no"))
    assert read.everything().customer_id.tolist() == ["1", "3", "4"]
    assert [(i.left_out, i.unmatched) for i in read.ingested] == [(1, (("who", ""),))]


def test_who_was_under_contract_is_told_by_the_dates(tmp_path: Path) -> None:
    read = loaded(tmp_path, DATED, DAYS)
    rows = standing(read, T("2024-03-01"), T("2024-03-31"))
    # d begins at that very moment and is not known yet; b ends at it and still stood; e has ended;
    # c ends when the window has just closed; f ends before it begins and is rejected.
    assert rows.customer_id.tolist() == ["a", "b", "c"]
    assert rows.ended.tolist() == [0, 1, 0]
    assert rows.inputs[TENURE].tolist() == [91, 60, 1]
    assert rows.inputs["fee"].tolist() == [1, 2, 3]
    assert read.rejects[["row", "column", "value"]].to_numpy().tolist() == [
        [6, "until", "2024-01-01"]
    ]


@pytest.mark.parametrize(
    ("form", "forever"),
    [
        ("", "9999-12-31"), ("", "9999-12-31 23:59:59"), ("", "9999-12-31T00:00:00Z"),
        ("%d.%m.%Y", "31.12.9999"), ("%m/%d/%Y", "12/31/9999"), ("%Y%m%d", "99991231"),
    ],
)  # fmt: skip
def test_a_contract_that_ends_in_the_year_9999_runs_on(
    tmp_path: Path, form: str, forever: str
) -> None:
    day = f"{{:{form or '%Y-%m-%d'}}}".format
    ends = [forever, day(T("2024-03-01")), forever, "", "99990"]
    rows = "who,from,until,fee,plan,size\n" + "".join(
        f"{i},{day(T('2024-01-01'))},{end},1,x,S\n" for i, end in enumerate(ends)
    )
    text = DATED.replace('who"\n', f'who"\nmoment_format = "{form}"\n') if form else DATED
    found = loaded(tmp_path, text, rows)
    assert found.rows["(ended_on)"].notna().tolist() == [False, True, False, False]
    assert (found.scheduled, found.rejects["value"].tolist()) == (0, ["99990"])


def test_days_of_their_own_type_may_be_in_the_year_9999(tmp_path: Path) -> None:
    ends = pa.array([dt.date(9999, 12, 31), dt.date(2024, 3, 1), None])
    starts = pa.array([dt.date(2024, 1, 1)] * 3)
    table = pa.table({"who": [1, 2, 3], "from": starts, "until": ends, "fee": [1.0] * 3,
                      "plan": ["x"] * 3, "size": ["S"] * 3})  # fmt: skip
    pq.write_table(table, tmp_path / "contracts.parquet")
    (tmp_path / "firm.toml").write_text(DATED.replace(".csv", ".parquet"))
    found = load(contracts.load(tmp_path / "firm.toml"))
    assert found.rows["(ended_on)"].notna().tolist() == [False, True, False]


def test_a_later_end_is_not_seen_at_as_of(tmp_path: Path) -> None:
    read = loaded(tmp_path, DATED, DAYS, T("2024-03-01"))
    ends = dict(zip(read.rows["(customer_id)"], read.rows["(ended_on)"], strict=True))
    assert list(ends) == ["a", "b", "c", "e"]
    assert ends["e"] == T("2024-02-29")
    assert all(pd.isna(ends[who]) for who in "abc")
    (account,) = read.ingested
    assert (account.rows_kept, account.later, account.rows_rejected) == (4, 1, 1)


@pytest.mark.parametrize("as_of", [None, T("2024-03-20")])
def test_what_comes_after_the_day_of_the_run_is_a_plan_and_not_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, as_of: pd.Timestamp | None
) -> None:
    monkeypatch.setattr(contract_rows, "tomorrow", lambda: T("2024-03-01"))
    read = loaded(tmp_path, DATED, DAYS, as_of)
    ends = dict(zip(read.rows["(customer_id)"], read.rows["(ended_on)"], strict=True))
    assert list(ends) == ["a", "b", "c", "e"]
    assert ends["e"] == T("2024-02-29")
    assert all(pd.isna(ends[who]) for who in "abc")
    assert read.scheduled == 2
    assert read.ingested[0].later == 1


def test_what_makes_the_contracts_meaningless_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        loaded(tmp_path, UNDATED.replace('["yes"]', '["YES", "1"]'), LABELLED)
    assert str(caught.value) == (
        "Each of contracts.ended_values must occur. Seen: 'YES' is none of the values of 'left': "
        "'No', 'no', 'yes'. Remedy: correct contracts.ended_values"
    )
    with pytest.raises(SourceError) as caught:
        loaded(tmp_path, UNDATED.replace('["yes"]', '["No"]'), LABELLED)
    assert str(caught.value) == (
        "A label that differs from one of contracts.ended_values in case alone must be listed too. "
        "Seen: 'no' in 'left'. Remedy: add it to contracts.ended_values, or correct the export"
    )
    with pytest.raises(SourceError) as caught:
        loaded(tmp_path, UNDATED, LABELLED, T("2024-03-01"))
    assert str(caught.value) == (
        "as_of needs contracts with dates. Seen: as_of 2024-03-01, and no contracts.ended_on. "
        "Remedy: leave --as-of out, or name the columns contracts.start and contracts.ended_on"
    )
    with pytest.raises(SourceError) as caught:
        loaded(tmp_path, DATED, DAYS, T("2024-02-01"))
    assert caught.value.seen == "none of 3 contracts"


def test_a_column_may_be_called_what_we_call_ours(tmp_path: Path) -> None:
    text = UNDATED + 'customer_id = { kind = "number" }\nended = { kind = "category" }\n'
    rows = "who,left,ran,fee,plan,size,customer_id,ended\n1,yes,2,1,a,S,9,q\n2,no,2,1,a,S,8,r\n"
    read = loaded(tmp_path, text, rows).everything()
    assert read.customer_id.tolist() == ["1", "2"]
    assert read.ended.tolist() == [1, 0]
    assert read.inputs["customer_id"].tolist() == [9, 8]
    assert read.inputs["ended"].tolist() == ["q", "r"]
