"""A folder of files under a manifest that names their digests and seals itself.

Written whole or not at all, and read back only as it was written. Nothing here executes what it
reads.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from features.errors import BundleError

MANIFEST = "manifest.json"


def write(
    folder: Path, manifest: Mapping[str, Any], files: Mapping[str, bytes], version: int
) -> Path:
    """Write `files` and their manifest as `folder` (replaced whole if it exists); returns it.

    `version` is the format's.
    """
    staging = folder.with_name(f".{folder.name}.{os.getpid()}")
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    digests = {n: hashlib.sha256(b).hexdigest() for n, b in sorted(files.items())}
    sealed = {**manifest, "format": version, "digests": digests}
    sealed["seal"] = _seal(sealed)
    try:
        for name, content in files.items():
            (staging / name).write_bytes(content)
        (staging / MANIFEST).write_text(
            json.dumps(sealed, indent=2, sort_keys=True) + "\n", encoding="utf-8"
        )
        shutil.rmtree(folder, ignore_errors=True)
        staging.rename(folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return folder


def read(
    folder: Path, names: Sequence[str], version: int, remedy: str
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The manifest and the files `names`, verified.

    Raises BundleError with `remedy` where a file is missing or changed, or the format is another.
    """
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        digests = manifest["digests"]
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise BundleError(
            "A bundle is a folder with a manifest.json that names its files.",
            f"{folder.name}: {type(problem).__name__}",
            remedy,
        ) from problem
    if manifest.get("format") != version or set(digests) != set(names):
        raise BundleError(
            f"This Coterie reads bundles of format {version}.",
            f"format {manifest.get('format')!r} with {len(digests)} files",
            "use the Coterie version that wrote it, or retrain",
        )
    if manifest.get("seal") != _seal(manifest):
        raise BundleError(
            "A bundle's manifest.json must be as it was written.",
            f"{MANIFEST} was changed",
            remedy,
        )
    files = {}
    for name in names:
        try:
            files[name] = (folder / name).read_bytes()
        except OSError as problem:
            raise BundleError(
                "Every file of a bundle must be there.", f"no {name}", remedy
            ) from problem
        if hashlib.sha256(files[name]).hexdigest() != digests[name]:
            raise BundleError(
                "Every file of a bundle must have the digest that the manifest names.",
                f"{name} was changed",
                remedy,
            )
    return manifest, files


def _seal(manifest: Mapping[str, Any]) -> str:
    """The digest of everything else that the manifest says."""
    rest = {key: value for key, value in manifest.items() if key != "seal"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()
