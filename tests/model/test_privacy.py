"""No file of a bundle holds a customer's id or row, however it is packed."""

import base64
import bz2
import gzip
import json
import lzma
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

pytestmark = pytest.mark.model


def readings(content: bytes) -> Iterator[bytes]:
    """The content as it stands, and decompressed and decoded in every way that applies."""
    yield content
    for unpack in (gzip.decompress, zlib.decompress, bz2.decompress, lzma.decompress):
        try:
            yield unpack(content)
        except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError):
            continue
    try:
        plain = json.loads(content)
    except ValueError:
        return
    yield json.dumps(plain, ensure_ascii=False).encode()
    yield from strings(plain)


def strings(value: Any) -> Iterator[bytes]:
    """Every text in a JSON value, and what it says in base64 where it is that."""
    if isinstance(value, dict):
        value = [*value.keys(), *value.values()]
    if isinstance(value, list):
        for one in value:
            yield from strings(one)
    elif isinstance(value, str):
        yield value.encode()
        try:
            yield base64.b64decode(value, validate=True)
        except ValueError:
            return


def customers_in(folder: Path, ids: list[str]) -> set[str]:
    """Names of the files that hold one of the ids, in UTF-8, UTF-16 or UTF-32."""
    wanted = [
        re.compile(b"|".join(re.escape(i.encode(form)) for i in ids))
        for form in ("utf-8", "utf-16-le", "utf-32-le")
    ]
    return {
        file.name
        for file in folder.iterdir()
        for text in readings(file.read_bytes())
        if any(one.search(text) for one in wanted)
    }


def test_no_file_holds_a_customers_id(small_run: Any) -> None:
    ids = small_run.rows["customer_id"].tolist()
    assert len(ids) == 400
    assert all(i.startswith("cust-7f3a-") for i in ids)
    assert customers_in(small_run.folder, ids) == set()


@pytest.mark.parametrize(
    "hide",
    [
        lambda i: i,
        gzip.compress,
        lambda i: json.dumps({"a": [{i.decode(): 1}]}).encode(),
        lambda i: json.dumps([base64.b64encode(i).decode()]).encode(),
        lambda i: i.decode().encode("utf-16-le"),
        lambda i: safetensors.numpy.save({"ids": np.frombuffer(i, np.uint8)}),
    ],
    ids=["plain", "gzip", "json key", "base64 in json", "utf-16", "tensor"],
)
def test_an_id_that_is_planted_is_found(copy: Path, small_run: Any, hide: Any) -> None:
    ids = small_run.rows["customer_id"].tolist()
    (copy / "arrays.safetensors").write_bytes(hide(ids[123].encode()))
    assert customers_in(copy, ids) == {"arrays.safetensors"}


def test_no_array_has_a_row_a_customer(small_run: Any) -> None:
    counts = {len(small_run.rows), len(small_run.train), len(small_run.calibration)}
    counts |= {len(small_run.test), len(small_run.train) + len(small_run.calibration)}
    for name in ("arrays.safetensors", "network.safetensors"):
        for key, array in safetensors.numpy.load(small_run.bundle.files[name]).items():
            assert not counts & set(array.shape), (name, key)
