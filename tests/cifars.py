"""Small made-up data in the formats in which CIFAR-10 and CIFAR-100 come."""

from __future__ import annotations

import gzip
import io
import pickle
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from gigo.datasets.cifar import Part
from gigo.datasets.folder import Arrays

BATCHES = ("data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5")


class Items(NamedTuple):
    """Images (n, 3, 32, 32), fine labels (n,) and coarse ones."""

    x: np.ndarray
    fine: np.ndarray
    coarse: np.ndarray

    def part(self, *, coarse: bool = False) -> Part:
        return self.x, (self.coarse if coarse else self.fine).astype(np.int64)


def made_up(n: int, n_classes: int, seed: int) -> Items:
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 256, (n, 3, 32, 32), dtype=np.uint8)
    fine = rng.integers(0, n_classes, n, dtype=np.uint8)
    return Items(x, fine, fine // 5)


def cifar10(seed: int = 0) -> dict[str, Items]:
    """5 x 4 training items and 6 test items, by file."""
    files = {name: made_up(4, 10, seed + k) for k, name in enumerate(BATCHES)}
    return {**files, "test_batch": made_up(6, 10, seed + 5)}


def cifar100(seed: int = 0) -> dict[str, Items]:
    """7 training items and 3 test items, by file."""
    return {"train": made_up(7, 100, seed), "test": made_up(3, 100, seed + 1)}


def arrays(files: Mapping[str, Items], *, coarse: bool = False) -> Arrays:
    """What reading them must give."""
    *train, test = (items.part(coarse=coarse) for items in files.values())
    x = np.concatenate([x for x, _ in train])
    return Arrays(x, np.concatenate([y for _, y in train]), *test)


def pickled(items: Items, *, many: bool, **changes: Any) -> bytes:
    """As the official pickles, but written by Python 3 for Python 2."""
    labels = {b"labels": items.fine.tolist()}
    if many:
        labels = {b"fine_labels": items.fine.tolist(), b"coarse_labels": items.coarse.tolist()}
    content = {b"batch_label": b"made up", b"data": items.x.reshape(len(items.x), -1), **labels}
    return pickle.dumps({**content, **{k.encode(): v for k, v in changes.items()}}, protocol=2)


def contents(files: Mapping[str, Items]) -> dict[str, bytes]:
    """The files' bytes, by their path in the archive."""
    many = "train" in files
    folder = "cifar-100-python" if many else "cifar-10-batches-py"
    return {f"{folder}/{name}": pickled(items, many=many) for name, items in files.items()}


def write_folder(place: Path, files: Mapping[str, bytes]) -> Path:
    """The files under a folder; returns the folder they are in."""
    for name, content in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(content)
    return (place / next(iter(files))).parent


def write_archive(path: Path, files: Mapping[str, bytes], *extra: tarfile.TarInfo) -> Path:
    """The files in the reverse order, then members with no content of their own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wb", 1) as packed, tarfile.open(fileobj=packed, mode="w") as archive:
        folder = tarfile.TarInfo(next(iter(files)).split("/")[0])
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for name, content in reversed(list(files.items())):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        for member in extra:
            archive.addfile(member)
    return path


def png(image: np.ndarray) -> bytes:
    """A PNG file of an image (channels, height, width)."""
    buffer = io.BytesIO()
    pixels = image[0] if len(image) == 1 else image.transpose(1, 2, 0)
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def write_parquet(path: Path, image: str, x: np.ndarray, **labels: np.ndarray) -> Path:
    """As Hugging Face's hub has a split."""
    return write_table(path, image, [png(one) for one in x], **labels)


def write_table(path: Path, image: str, cells: Sequence[bytes | None], **labels: Any) -> Path:
    """The same with any cells and labels."""
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    images = pa.array([{"bytes": cell, "path": None} for cell in cells], kind)
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({image: images, **labels}), path)
    return path


def write_hub(folder: Path, files: Mapping[str, Items]) -> Path:
    """As Hugging Face's hub has a data set."""
    for split, names in (("train", list(files)[:-1]), ("test", list(files)[-1:])):
        x, fine, coarse = (
            np.concatenate(parts) for parts in zip(*(files[name] for name in names), strict=True)
        )
        many = {"fine_label": fine, "coarse_label": coarse}
        labels = many if "train" in files else {"label": fine}
        write_parquet(folder / f"{split}-00000-of-00001.parquet", "img", x, **labels)
    return folder
