def test_first(small_run):
    print(small_run.log)
    print(small_run.scores.head().to_string())
