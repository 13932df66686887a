"""A bundle on disk: that it comes back as it was, and that nobody changed it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from features.errors import BundleError
from training.fitting import assembly, autoencoder, boosting, clustering, fit, prospects
from training.prediction.bundle import FILES, Bundle, to_columns
from training.prediction.sealed import MANIFEST
from training.prediction.segments import Segment

pytestmark = pytest.mark.model

REMEDY = "take the bundle from the registry again, or retrain"


def flip(file: Path, bit: int) -> None:
    content = bytearray(file.read_bytes())
    content[bit // 8] ^= 1 << (bit % 8)
    file.write_bytes(content)


# ----------------------------------------------------------------------------------- there and back


def test_saved_and_loaded_it_predicts_the_same(small_run: Any, tmp_path: Path) -> None:
    again = Bundle.load(small_run.bundle.save(tmp_path / "again"))
    rows = fit.table(small_run.rows)
    assert again.predict(rows).equals(small_run.bundle.predict(rows))
    assert again.files == small_run.bundle.files


def test_saving_replaces_what_stood_there_whole(small_run: Any, tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    folder.mkdir()
    (folder / "left over.txt").write_text("from another version")
    small_run.bundle.save(folder)
    assert {f.name for f in folder.iterdir()} == {*FILES, MANIFEST}
    assert [f.name for f in tmp_path.iterdir()] == ["bundle"]


def test_many_rows_in_chunks_are_the_same_rows(
    small_run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = fit.table(small_run.rows)
    whole = small_run.bundle.predict(rows)
    monkeypatch.setattr("training.prediction.bundle.CHUNK", 77)
    parts = small_run.bundle.predict(rows)
    assert parts["segment_id"].to_pylist() == whole["segment_id"].to_pylist()
    spend = [t["expected_spend"].to_numpy() for t in (parts, whole)]
    assert spend[0] == pytest.approx(spend[1], rel=1e-6)


def test_no_rows_give_no_rows(small_run: Any) -> None:
    rows = fit.table(small_run.rows)
    made = small_run.bundle.predict(rows.slice(0, 0))
    assert made.num_rows == 0
    assert made.schema.names == small_run.bundle.predict(rows.slice(0, 1)).schema.names


# -------------------------------------------------------------------------------- nobody changed it


@pytest.mark.parametrize("name", FILES)
def test_one_bit_changed_is_refused(copy: Path, name: str) -> None:
    size = 8 * (copy / name).stat().st_size
    for bit in (0, size // 2 + 3, size - 1):
        flip(copy / name, bit)
        with pytest.raises(BundleError) as refusal:
            Bundle.load(copy)
        assert str(refusal.value) == (
            "Every file of a bundle must have the digest that the manifest names. "
            f"Seen: {name} was changed. Remedy: {REMEDY}"
        )
        flip(copy / name, bit)
    Bundle.load(copy)


def test_one_bit_changed_in_the_manifest_is_refused(copy: Path) -> None:
    text = (copy / MANIFEST).read_bytes()
    rng = np.random.default_rng(7)
    key = text.index(b'"seal"')
    bits = [b for b in rng.integers(0, 8 * len(text), 150) if not key <= b // 8 < key + 6]
    for bit in bits:
        flip(copy / MANIFEST, int(bit))
        with pytest.raises(BundleError):
            Bundle.load(copy)
        (copy / MANIFEST).write_bytes(text)


def test_a_manifest_that_says_another_horizon_is_refused(copy: Path) -> None:
    text = (copy / MANIFEST).read_text()
    assert '"horizon_days": 30,' in text
    (copy / MANIFEST).write_text(text.replace('"horizon_days": 30,', '"horizon_days": 31,'))
    with pytest.raises(BundleError) as refusal:
        Bundle.load(copy)
    assert str(refusal.value) == (
        "A bundle's manifest.json must be as it was written. Seen: manifest.json was changed. "
        f"Remedy: {REMEDY}"
    )


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(copy: Path, name: str) -> None:
    (copy / name).unlink()
    with pytest.raises(BundleError) as refusal:
        Bundle.load(copy)
    assert str(refusal.value) == (
        f"Every file of a bundle must be there. Seen: no {name}. Remedy: {REMEDY}"
    )


@pytest.mark.parametrize(
    ("content", "seen"),
    [(None, "FileNotFoundError"), (b"{", "JSONDecodeError"), (b"{}", "KeyError")],
)
def test_a_folder_without_a_manifest_is_no_bundle(
    copy: Path, content: bytes | None, seen: str
) -> None:
    (copy / MANIFEST).unlink()
    if content is not None:
        (copy / MANIFEST).write_bytes(content)
    with pytest.raises(BundleError) as refusal:
        Bundle.load(copy)
    assert str(refusal.value) == (
        "A bundle is a folder with a manifest.json that names its files. "
        f"Seen: bundle: {seen}. Remedy: {REMEDY}"
    )


def test_a_bundle_of_another_format_is_refused(small_run: Any, tmp_path: Path) -> None:
    folder = small_run.bundle.save(tmp_path / "bundle")
    manifest = json.loads((folder / MANIFEST).read_text())
    del manifest["seal"]
    (folder / MANIFEST).write_text(json.dumps({**manifest, "format": 99}))
    with pytest.raises(BundleError) as refusal:
        Bundle.load(folder)
    assert refusal.value.rule == "This Coterie reads bundles of format 5."
    assert refusal.value.seen == "format 99 with 11 files"


def test_a_bundle_of_other_features_is_read_but_predicts_nothing(small_run: Any) -> None:
    bundle = Bundle({**small_run.bundle.manifest, "catalog_hash": "0" * 16}, small_run.bundle.files)
    assert small_run.bundle.current
    assert not bundle.current
    with pytest.raises(BundleError) as refusal:
        bundle.require_current()
    assert refusal.value.rule == ("A bundle predicts from the features that it was trained with.")
    assert refusal.value.seen.startswith("catalog 0000000000000000 in the bundle, ")


# -------------------------------------------------------------------------- safe, and light to load


def test_nothing_in_it_can_run_code(small_run: Any) -> None:
    for file in small_run.folder.iterdir():
        assert file.suffix in (".json", ".onnx", ".safetensors"), file.name
        head = file.read_bytes()[:8]
        assert not head.startswith((b"\x80", b"PK", b"\x1f\x8b")), file.name  # pickle, zip, gzip
        if file.suffix == ".json":
            json.loads(file.read_text())


def test_it_loads_and_predicts_without_what_fits(small_run: Any, tmp_path: Path) -> None:
    pq.write_table(fit.table(small_run.rows.head(20)), tmp_path / "rows.parquet")
    code = f"""
import sys
heavy = ("torch", "sklearn", "lightgbm", "mlflow", "scipy", "bentoml", "matplotlib", "onnx")
for name in heavy:
    sys.modules[name] = None  # importing it raises
import pyarrow.parquet as pq
from pathlib import Path
from training.prediction.bundle import Bundle
rows = pq.read_table({str(tmp_path / "rows.parquet")!r})
made = Bundle.load(Path({str(small_run.folder)!r})).predict(rows)
print(repr(made["expected_spend"].to_pylist()))
print([m for m in sys.modules if m.split(".")[0] in heavy and sys.modules[m]])
"""
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    spend, loaded = run.stdout.splitlines()
    assert loaded == "[]"
    here = small_run.bundle.predict(fit.table(small_run.rows.head(20)))["expected_spend"]
    assert json.loads(spend) == pytest.approx(here.to_pylist(), rel=1e-6)


# ----------------------------------------------------------------------------------- the same again


def small_fit(run: Any, seed: int = 7) -> Bundle:
    """Every part fitted from the same rows: quick, since nothing here is about how good it is."""
    network = autoencoder.Settings(members=2, epochs=2, seed=seed)
    trees = boosting.Settings(trees=8, seed=seed)
    spec = run.bundle.spec
    space, data, _ = fit.latent(run.train, spec, 90, network)
    frozen = fit.Frozen(2, {"churn": 8, "spend": 8, "orders": 8})
    parts = fit.parts(run.train, space, data, spec, trees, frozen=frozen)
    bare = assembly.assemble(parts, spec)
    raw = bare.raw(to_columns(fit.table(run.calibration)))
    segmentation = clustering.fit(raw.scores, 4, seed)
    segments = tuple(Segment(f"S{i}", f"name {i}", {}) for i in range(4))
    calibrated = prospects.calibrate(raw, run.calibration, 0.8)
    return assembly.complete(bare, {}, calibrated, segmentation, segments)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_files(small_run: Any) -> None:
    one, two, other = small_fit(small_run), small_fit(small_run), small_fit(small_run, seed=8)
    assert [n for n in FILES if one.files[n] != two.files[n]] == []
    changed = {n for n in FILES if one.files[n] != other.files[n]}
    assert changed >= {"network.safetensors", "encoder.onnx", "churn.onnx", "arrays.safetensors"}


@pytest.mark.slow
def test_the_training_side_predicts_what_the_bundle_predicts(small_run: Any) -> None:
    """torch and LightGBM themselves, against ONNX Runtime and numpy."""
    network = autoencoder.Settings(members=2, epochs=2, seed=7)
    space, data, _ = fit.latent(small_run.train, small_run.bundle.spec, 90, network)
    frozen = fit.Frozen(2, {"churn": 8, "spend": 8, "orders": 8})
    spec = small_run.bundle.spec
    trees = boosting.Settings(trees=8)
    parts = fit.parts(small_run.train, space, data, spec, trees, frozen=frozen)
    bundle = assembly.assemble(parts, spec)
    columns = to_columns(fit.table(small_run.test))
    design = space.preprocessor.design(columns)
    raw = bundle.raw(columns)
    assert raw.scores == pytest.approx(space.scores(small_run.test), abs=1e-4)
    assert bundle.latent(design) == pytest.approx(space.network.codes(design), abs=1e-4)
    assert raw.experts[:, 0] == pytest.approx(parts.boosters["spend"].predict(design), rel=1e-5)
    assert raw.boosted_orders == pytest.approx(parts.boosters["orders"].predict(design), rel=1e-5)


def test_two_versions_of_a_manifest_share_all_files(small_run: Any, tmp_path: Path) -> None:
    later = Bundle({**small_run.bundle.manifest, "version": "another"}, small_run.bundle.files)
    digests = [
        json.loads((b.save(tmp_path / n) / MANIFEST).read_text())["digests"]
        for n, b in (("a", small_run.bundle), ("b", later))
    ]
    assert digests[0] == digests[1]
    assert Bundle.load(tmp_path / "b").manifest["version"] == "another"


def test_customers_without_an_order_are_estimated_by_a_calibration_of_their_own(
    small_run: Any,
) -> None:
    model = json.loads(small_run.bundle.files["model.json"])
    own = {
        "calibration": model["calibration"] | {"churn": [3.0, 0.0], "orders": 0.0},
        "bands": model["bands"] | {"low": 0.5, "high": 0.5},
    }
    changed = model | {"prospects": own}
    files = small_run.bundle.files | {"model.json": json.dumps(changed).encode()}
    other = Bundle(small_run.bundle.manifest, files)
    rows = small_run.rows.head(40).copy()
    rows.loc[rows.index[:10], ["orders", "T_days", "recency_days", "frequency"]] = [0, *[None] * 3]
    one, two = (b.predict(fit.table(rows)).to_pandas() for b in (small_run.bundle, other))
    differ = [
        "churn_probability", "expected_orders", "expected_spend_low", "expected_spend_high",
    ]  # fmt: skip
    assert one.iloc[10:].equals(two.iloc[10:])
    assert two.churn_probability[:10].nunique() == 1
    assert (one[differ][:10] != two[differ][:10]).any().all()
    assert (two.expected_spend_low[:10] == two.expected_spend_high[:10]).all()
    assert two.expected_orders[:10].to_numpy() == pytest.approx(1 - two.churn_probability[:10])
