def test_a_missing_file_names_its_nearest(loaded, tmp_path, refusal, good):
    (tmp_path / "orders.csv").write_text(good)
    assert refusal(loaded, None, url="order.csv") == (
        f"A source's file must exist. Seen: order.csv ({tmp_path / 'order.csv'}). "
        "Remedy: did you mean orders.csv?"
    )


def test_a_folder_without_parquet_is_refused(loaded, tmp_path, refusal):
    (tmp_path / "many").mkdir()
    assert refusal(loaded, None, url="many") == (
        "A folder as a source holds Parquet files. Seen: none in many. Remedy: name a file instead"
    )
