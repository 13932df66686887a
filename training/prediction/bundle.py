"""All fitted parts of one model version: one folder, safe formats, and what predicts.

Runs on numpy and ONNX Runtime alone; serving imports this module and nothing that fits.
May not import: torch, sklearn, lightgbm, scipy, mlflow.

| file | what |
|---|---|
| manifest.json | what this version is, the SHA-256 of every other file, and its own as `seal` |
| features.json | feature spec and catalog |
| preprocessing.json | `prediction.preprocessing.Preprocessor` |
| model.json | calibration, bands, shrinkage, amounts, course, target scale, portraits, typical |
| arrays.safetensors | latent heads, linear weights, centroids |
| encoder.onnx, churn.onnx, spend.onnx, orders.onnx | the networks and boosters |
| recurrent.onnx | what reads the periods in order |
| network.safetensors | the whole autoencoder, from which a retrain starts |
| report_card.json | how it was evaluated |

No file holds a customer's id or row.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pyarrow as pa
import safetensors.numpy

from features.catalog import catalog_hash
from features.errors import BundleError
from features.lenses.attributes import names_of
from features.spec import FeatureSpec
from training.prediction import ahead, blend, sealed, value
from training.prediction.amounts import Amounts
from training.prediction.calibrated import Calibrated, Raw
from training.prediction.cautions import cautions, unmet
from training.prediction.cells import Cells
from training.prediction.course import INPUTS, Course
from training.prediction.preprocessing import Preprocessor
from training.prediction.segments import SPACE, Segment, Segmentation
from training.prediction.shrinkage import Shrinkage, drawn
from training.prediction.structure import Prior

FORMAT = 5
FILES = (
    "features.json", "preprocessing.json", "model.json", "arrays.safetensors", "encoder.onnx",
    "churn.onnx", "spend.onnx", "orders.onnx", "recurrent.onnx", "network.safetensors",
    "report_card.json",
)  # fmt: skip
CHUNK = 20_000


@dataclasses.dataclass(frozen=True)
class TargetScale:
    """Mean and deviation of log spend of those who spent, in training: undoes the ZILN head."""

    mean: float
    deviation: float


class Bundle:
    """One model version in memory, from files (`load`) or from parts (`fitting.assembly`)."""

    def __init__(self, manifest: Mapping[str, Any], files: Mapping[str, bytes]) -> None:
        self.manifest = dict(manifest)
        self.files = dict(files)
        features = json.loads(files["features.json"])
        model = json.loads(files["model.json"])
        arrays = safetensors.numpy.load(files["arrays.safetensors"])
        self.spec = FeatureSpec.from_dict(features["spec"])
        self.catalog: list[dict[str, Any]] = features["catalog"]
        self.preprocessor = Preprocessor.from_dict(json.loads(files["preprocessing.json"]))
        self.calibrated = Calibrated.from_dict(model)
        self.target = TargetScale(**model["target"])
        self.segments = tuple(Segment(**s) for s in model["segments"])
        self.prior = Prior.from_dict(model["prior"])
        self.shrinkage = Shrinkage(**model["shrinkage"])
        self.cells = Cells.from_dict(model["cells"])
        self.amounts = Amounts.from_dict(model["amounts"])
        self.course = Course.from_dict(model["course"])
        self.terms = value.settings(manifest.get("value"))
        self.next_segment: int = model["next_segment"]
        self.heads: list[str] = model["heads"]
        #: Each feature's typical value (None: unknown), which reasons are told against.
        self.typical: dict[str, float | str | None] = model["typical"]
        self.segmentation = Segmentation(
            arrays["centroids"], arrays["score_mean"], arrays["score_scale"], model["spread"]
        )
        self._head_weight, self._head_bias = arrays["head_weight"], arrays["head_bias"]
        self._linear_weights, self._linear_biases = (
            arrays["linear_weights"],
            arrays["linear_biases"],
        )
        self._linear_range = arrays["linear_range"]
        self._sessions = {
            name: _session(files[f"{name}.onnx"])
            for name in ("encoder", "churn", "spend", "orders", "recurrent")
        }

    @property
    def report_card(self) -> dict[str, Any]:
        """How this version was evaluated, as `cards.report_card` wrote it."""
        return json.loads(self.files["report_card.json"])

    @property
    def current(self) -> bool:
        """Whether this Coterie computes the features that the bundle was trained with."""
        return bool(self.manifest["catalog_hash"] == catalog_hash(self.spec))

    def require_current(self) -> None:
        """Raises BundleError where the features have changed since: predictions would be wrong."""
        if not self.current:
            raise BundleError(
                "A bundle predicts from the features that it was trained with.",
                f"catalog {self.manifest['catalog_hash']} in the bundle, "
                f"{catalog_hash(self.spec)} in this Coterie",
                "retrain, or use the Coterie version that wrote it",
            )

    def latent(self, design: np.ndarray) -> np.ndarray:
        """Latent codes (n, members, latent) of design rows."""
        return self._run("encoder", design, "latent")

    def read_heads(self, z: np.ndarray) -> dict[str, np.ndarray]:
        """Every member's linear heads on its latent code: head name -> (n, members)."""
        out = np.einsum("nml,mlh->nmh", z.astype(np.float64), self._head_weight) + self._head_bias
        return {name: out[:, :, i] for i, name in enumerate(self.heads)}

    def with_prior(self, columns: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        """The columns and those of the structural prior, which are computed here unless they are
        given: at a past cut-off they come from the parameters of that cut-off.
        """
        if self.prior is None or "structural_return" in columns:
            return columns
        return {**columns, **self.prior.columns(columns)}

    def read_course(self, columns: Mapping[str, np.ndarray]) -> np.ndarray:
        """(n, 2) what the recurrent network says of `prediction.course.INPUTS`."""
        parts = [np.zeros((0, 2), dtype=np.float32)]  # ONNX Runtime ends the process at no rows
        for start in range(0, len(columns["orders"]), CHUNK):
            some = {name: columns[name][start : start + CHUNK] for name in INPUTS}
            told = {"series": self.course.series(some), "known": self.course.known(some)}
            parts.append(self._sessions["recurrent"].run(["out"], told)[0])
        return np.concatenate(parts)

    def raw(self, columns: Mapping[str, np.ndarray], read: np.ndarray | None = None) -> Raw:
        """Outputs of every part before calibration; `read` is what `read_course` said of the
        columns, where that is known already.
        """
        columns = self.with_prior(columns)
        design = self.preprocessor.design(columns)
        head = self.read_heads(self.latent(design))
        sigma = (np.logaddexp(0.0, head["log_sigma"]) + 0.05) * self.target.deviation
        mu = head["mu"] * self.target.deviation + self.target.mean
        # ZILN mean, Wang, Liu & Miao 2019, eq. 4; the exponent is bounded against outliers
        amount = np.exp(np.minimum(mu + sigma**2 / 2.0, 30.0))
        latent_spend = (blend.sigmoid(head["return"]) * amount).mean(axis=1)
        linear = design.astype(np.float64) @ self._linear_weights + self._linear_biases
        linear_spend = np.exp(np.clip(linear[:, 1], *self._linear_range))
        boosted = self._run("churn", design, "probabilities")[:, 1].astype(np.float64)
        orders = self._run("orders", design, "variable")[:, 0].astype(np.float64)
        structural, each = (
            np.asarray(columns.get(name, np.full(len(design), np.nan)), dtype=np.float64)
            for name in ("structural_spend", "structural_orders")
        )
        simple = self.cells.columns(columns) if self.cells else columns
        course_logit, course_spend = self.course.estimates(
            self.read_course(columns) if read is None else read
        )
        logit = blend.churn_logit(boosted, linear[:, 0], -head["return"].mean(axis=1), course_logit)
        if churn := self.shrinkage.churn:
            logit = drawn(logit, -blend.logit(simple["structural_return"]), churn)
        learned = [
            self._run("spend", design, "variable")[:, 0].astype(np.float64),
            linear_spend, latent_spend,
            self.amounts.spend(columns, blend.sigmoid(logit)), course_spend,
        ]  # fmt: skip
        if worth := self.shrinkage.value:
            spend = np.minimum(simple["structural_spend"], self.shrinkage.most)
            orders = drawn(orders, simple["structural_orders"], worth)
            learned = [drawn(one, spend, worth) for one in learned]
        counted = orders * structural / np.maximum(each, 1e-9)
        return Raw(
            logit,
            np.column_stack([*learned, counted, structural]),
            orders,
            np.column_stack([head[a].mean(axis=1) for a in SPACE]),
            np.asarray(columns["orders"]) > 0,
        )

    def _run(self, name: str, design: np.ndarray, output: str) -> np.ndarray:
        return self._sessions[name].run([output], {"design": design})[0]

    def predict(self, features: pa.Table) -> pa.Table:
        """One assignment a row.

        Parameters
        ----------
        features : rows as `features.snapshot.feature_table` makes them for `self.spec`

        Returns
        -------
        `customer_id`, `as_of`, `segment_id`, `segment_name`, `membership`, `runner_up_id`,
        `runner_up_name`, `runner_up_membership`, `churn_probability`, `expected_orders`,
        `expected_spend`, `expected_spend_low`, `expected_spend_median`, `expected_spend_high`
        (currency of the model; the median never outside, the mean perhaps above), those of
        `ahead.outlook`, `stage`, `warnings` (list of strings, empty where there is nothing to say).
        """
        parts = [self._predict(chunk) for chunk in _chunks(features)]
        return pa.concat_tables(parts)

    def _predict(self, features: pa.Table) -> pa.Table:
        columns = self.with_prior(to_columns(features))
        raw = self.raw(columns)
        estimates = self.calibrated.estimates(raw)
        spend = estimates["expected_spend"]
        low, median, high = self.calibrated.interval(raw, estimates)
        shares = self.segmentation.memberships(raw.scores)
        ranked = np.argsort(-shares, axis=1, kind="stable")
        rows = np.arange(len(shares))
        ids = np.array([s.id for s in self.segments], dtype=object)
        names = np.array([s.name for s in self.segments], dtype=object)
        first, second = ranked[:, 0], ranked[:, 1]
        return pa.table(
            {
                "customer_id": features["customer_id"],
                "as_of": features["as_of"],
                "segment_id": pa.array(ids[first], pa.string()),
                "segment_name": pa.array(names[first], pa.string()),
                "membership": shares[rows, first],
                "runner_up_id": pa.array(ids[second], pa.string()),
                "runner_up_name": pa.array(names[second], pa.string()),
                "runner_up_membership": shares[rows, second],
                **estimates,
                "expected_spend_low": low,
                "expected_spend_median": median,
                "expected_spend_high": high,
                **ahead.outlook(
                    self.prior, self.terms, self.manifest, features["as_of"], columns, estimates
                ),
                "stage": features["stage"],
                "warnings": pa.array(
                    self._cautions(columns, features["as_of"].to_numpy(), spend > high),
                    pa.list_(pa.string()),
                ),
            }
        )

    def _cautions(
        self, columns: Mapping[str, np.ndarray], as_of: np.ndarray, above: np.ndarray
    ) -> list[list[str]]:
        outside, names = self.preprocessor.outside(columns), self.preprocessor.numeric
        said = cautions(columns, as_of, self.manifest, outside, names, above)
        values = unmet(columns, names_of(self.spec), self.preprocessor.vocabulary)
        return [[*one, *other] for one, other in zip(values, said, strict=True)]

    def save(self, folder: Path) -> Path:
        """Write the bundle as `folder` (replaced whole if it exists); returns it."""
        return sealed.write(Path(folder), self.manifest, self.files, FORMAT)

    @classmethod
    def load(cls, folder: Path) -> Bundle:
        """Read and verify a bundle. Raises BundleError where a file is missing or changed."""
        remedy = "take the bundle from the registry again, or retrain"
        manifest, files = sealed.read(Path(folder), FILES, FORMAT, remedy)
        try:
            return cls(manifest, files)
        except (KeyError, TypeError, ValueError) as problem:
            raise BundleError(
                f"The files of a bundle of format {FORMAT} must have that format's parts.",
                f"{type(problem).__name__}: {problem}",
                "use the Coterie version that wrote it, or retrain",
            ) from problem


def to_columns(table: pa.Table) -> dict[str, np.ndarray]:
    """Arrow columns -> numpy: numbers as float64 (null: nan), strings as objects (null: None)."""
    columns = {}
    for name in table.column_names:
        column = table[name]
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            columns[name] = np.array(column.to_pylist(), dtype=object)
        elif not pa.types.is_timestamp(column.type):
            columns[name] = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
    return columns


def _chunks(table: pa.Table) -> Iterator[pa.Table]:
    for start in range(0, max(len(table), 1), CHUNK):
        yield table.slice(start, CHUNK)


def _session(model: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
