"""Rejects of a folder: each with its file, and with its row there."""

import pyarrow as pa
import pyarrow.parquet as pq


def _orders(*paid):
    return pa.table({"who": ["a"] * len(paid), "when": ["2024-01-01"] * len(paid), "paid": paid})


def test_a_reject_of_a_folder_names_its_file_and_its_row_there(loaded):
    files = {
        "many/a.parquet": _orders("1", "bad"),
        "many/b*.parquet": _orders("worse", "2", "worst"),
        "many/y=1/c.parquet": _orders("3", "4", "5", "none"),
    }
    sources = loaded(None, url="many", files=files, head="max_reject_share = 0.9")
    places = sources.rejects[["row", "value", "file", "row_in_file"]]
    assert list(places.itertuples(index=False, name=None)) == [
        (2, "bad", "a.parquet", 2),
        (3, "worse", "b*.parquet", 1),
        (5, "worst", "b*.parquet", 3),
        (9, "none", "y=1/c.parquet", 4),
    ]


def test_rows_of_many_groups_and_files_are_numbered_in_their_order(loaded, tmp_path):
    (tmp_path / "many").mkdir()
    for i in range(3):
        paid = ["1"] * 150_000
        paid[100_000 + i] = f"bad {i}"
        path = tmp_path / "many" / f"{i}.parquet"
        pq.write_table(_orders(*paid), path, row_group_size=20_000)
    rejects = loaded(None, url="many").rejects
    assert rejects["file"].tolist() == ["0.parquet", "1.parquet", "2.parquet"]
    assert rejects["row_in_file"].tolist() == [100_001, 100_002, 100_003]
    assert rejects["row"].tolist() == [100_001, 250_002, 400_003]


def test_a_file_that_is_named_has_no_place_to_tell(loaded):
    rejects = loaded(_orders("1", "bad"), url="o.parquet", head="max_reject_share = 0.9").rejects
    assert rejects["row"].tolist() == [2]
    assert rejects["file"].isna().all()
    assert rejects["row_in_file"].isna().all()
