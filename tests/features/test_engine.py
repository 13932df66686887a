import gc
from pathlib import Path

from features import engine


def test_memory_and_threads_are_bounded_as_asked():
    con = engine.connect("512MiB", 1).con
    asked = "SELECT current_setting('memory_limit'), current_setting('threads')"
    assert con.execute(asked).fetchone() == ("512.0 MiB", 1)


def test_what_does_not_fit_goes_to_a_private_folder_that_goes_with_the_database():
    backend = engine.connect("64MiB", 1)
    (folder,) = backend.con.execute("SELECT current_setting('temp_directory')").fetchone()
    backend.con.execute(
        "CREATE TABLE wide AS SELECT hash(i)::VARCHAR || repeat('x', 40) AS t "
        "FROM range(4000000) r(i)"
    )
    assert backend.con.execute("SELECT count(DISTINCT t) FROM wide").fetchone() == (4_000_000,)
    assert list(Path(folder).iterdir()) != []
    assert Path(folder).stat().st_mode & 0o077 == 0
    backend.disconnect()
    del backend
    gc.collect()
    assert not Path(folder).exists()


def test_nothing_is_installed_from_the_network():
    con = engine.connect().con
    asked = "SELECT current_setting('autoinstall_known_extensions')"
    assert con.execute(asked).fetchone() == (False,)
