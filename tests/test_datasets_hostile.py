"""Malicious and damaged pickles, archives, tables and downloads: refused, and nothing happens."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import pickle
import struct
import tarfile
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cifars import (
    arrays,
    cifar10,
    cifar100,
    contents,
    made_up,
    pickled,
    records,
    write_archive,
    write_hub,
    write_parquet,
)
from gigo.datasets import fingerprint
from gigo.datasets.cifar import CIFAR10, CIFAR100
from gigo.datasets.cifar_files import decode_pickle, decode_records
from gigo.datasets.find import find
from gigo.datasets.parquet import Table, read_parquet
from gigo.datasets.pickles import load_pickle
from gigo.datasets.places import own_cache
from gigo.datasets.tar import open_members
from gigo.errors import DataError
from mirrors import served

ITEMS = made_up(3, 10, 0)
NAMES = tuple(contents(cifar10()))
TABLE = Table("img", "label", (3, 32, 32), 10)


def one_line(error: pytest.ExceptionInfo[DataError], start: object) -> str:
    """The message, which is one short line that starts with the file."""
    message = str(error.value)
    assert message.startswith(f"{start}: ")
    assert "\n" not in message
    assert len(message) < len(str(start)) + 300
    return message


def decode(content: bytes) -> object:
    return decode_pickle(io.BytesIO(content), "here", labels="labels", n_classes=10)


class Runs:
    """Pickles as a call."""

    def __init__(self, *call: Any) -> None:
        self.call = call

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return self.call[0], self.call[1:]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("call", [os.system, eval, exec, getattr, io.open, np.save])
def test_pickle_that_calls_is_refused_and_runs_nothing(
    call: Any, protocol: int, tmp_path: Path
) -> None:
    touched = tmp_path / "touched"
    arguments = {
        os.system: (f"touch {touched}",),
        eval: (f"open({str(touched)!r}, 'w')",),
        exec: (f"open({str(touched)!r}, 'w')",),
        io.open: (str(touched), "w"),
        np.save: (str(touched), 0),
        getattr: ("", "format"),
    }[call]
    # Where the array should be, where a label should be, and as the whole.
    calls = Runs(call, *arguments)
    for content in (
        {b"data": calls, b"labels": [0]},
        {b"data": ITEMS.x, b"labels": [calls]},
        {calls: 0},
        calls,
    ):
        with pytest.raises(DataError, match="refused, expected only arrays and lists") as error:
            decode(pickle.dumps(content, protocol=protocol))
        one_line(error, "here")
    assert not list(tmp_path.iterdir())


def test_payload_would_have_run(tmp_path: Path) -> None:
    """The test above means something: Python's own loader does run it."""
    touched = tmp_path / "touched"
    pickle.loads(pickle.dumps(Runs(os.system, f"touch {touched}")))
    assert touched.exists()


@pytest.mark.parametrize(
    "code",
    [
        b"cposix\nsystem\n(S'touch {}'\ntR.",  # GLOBAL, REDUCE
        b"(S'touch {}'\niposix\nsystem\n.",  # INST
        b"(cposix\nsystem\nS'touch {}'\no.",  # OBJ
        b"\x80\x04\x8c\x05posix\x8c\x06system\x93S'touch {}'\n\x85R.",  # STACK_GLOBAL
        b"cnumpy.core.multiarray\nsystem\n(S'touch {}'\ntR.",
        b"cnumpy\nndarray.__class__\n(S'touch {}'\ntR.",
        b"c_codecs\nopen\n(S'{}'\nS'w'\ntR.",
    ],
)
def test_hand_made_payloads(code: bytes, tmp_path: Path) -> None:
    touched = str(tmp_path / "touched").encode()
    with pytest.raises(DataError, match="refused, expected only arrays and lists"):
        decode(code.replace(b"{}", touched))
    assert not list(tmp_path.iterdir())


def test_long_and_broken_names_stay_one_line() -> None:
    name = b"a\\nb" * 500
    code = b"\x80\x04\x8c\x02os(V" + name.replace(b"\\n", b"\\u000a") + b"\n"
    for content in (code + b"\x93.", b"cos\n" + b"x" * 5_000 + b"\n."):
        with pytest.raises(DataError) as error:
            decode(content)
        one_line(error, "here")


@pytest.mark.parametrize(
    "code",
    [
        b"r\xff\xff\xff\x0f",  # keep the dictionary under number 268,435,455
        b"\x96" + struct.pack("<Q", 1 << 29),  # a bytearray of 512 MB
        b"\x8e" + struct.pack("<Q", 1 << 40),  # bytes
        b"T\xff\xff\xff\x7f",  # a string
    ],
)
def test_pickle_that_asks_for_memory_gets_none(code: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=r"here: .*expected"):
            decode(b"\x80\x02}" + code + b".")
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_allowed_names_can_not_be_changed_by_a_pickle() -> None:
    """BUILD sets attributes; on what stands for NumPy's names, that must have no effect."""
    for name in (b"numpy\nndarray", b"numpy\ndtype", b"_codecs\nencode"):
        for state in (b"}S'__setstate__'\nI0\ns", b"N}S'__init__'\nI0\ns\x86"):
            with pytest.raises(DataError):
                decode(b"c" + name + b"\n" + state + b"b.")
    part: Any = decode(pickled(ITEMS, many=False))
    np.testing.assert_array_equal(part.x, ITEMS.x)


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((3, 3072), dtype=np.float32),
        np.array([[Runs(len, "")]], dtype=object),
        np.asfortranarray(np.zeros((3, 3072), dtype=np.uint8)),
        np.zeros((3, 3071), dtype=np.uint8),
        np.zeros((2, 3072), dtype=np.uint8),
        np.zeros((3, 3, 32, 32), dtype=np.uint8),
        [0, 1, 2],
        None,
    ],
    ids=lambda array: f"{getattr(array, 'dtype', array)} {getattr(array, 'shape', '')}",
)
def test_other_arrays_are_refused(array: Any) -> None:
    with pytest.raises(DataError) as error:
        decode(pickled(ITEMS, many=False, data=array))
    one_line(error, "here")


@pytest.mark.parametrize(
    "labels",
    [[0, 1, 10], [0, -1, 1], [0, 1.0, 1], [0, True, 1], [0, 1], [0, 10**5000, 1], (0, 1, 2)],
)
def test_other_labels_are_refused(labels: Any) -> None:
    with pytest.raises(DataError, match="expected") as error:
        decode(pickled(ITEMS, many=False, labels=labels))
    one_line(error, "here")


def test_pickle_of_something_else() -> None:
    for content in ([], b"", {}, {b"data": 0}, "text"):
        with pytest.raises(DataError, match=r"here: .*expected"):
            decode(pickle.dumps(content))


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_damaged_pickle_is_a_data_error_or_read(data: st.DataObject) -> None:
    content = bytearray(pickled(ITEMS._replace(x=ITEMS.x // 255), many=False))
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    else:
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    message = ""
    try:
        load_pickle(io.BytesIO(bytes(content)), "here")
    except DataError as error:
        message = str(error)
    assert not message or (message.startswith("here: ") and "\n" not in message)


def test_damaged_records() -> None:
    whole = records(ITEMS, many=False)
    cases = {
        whole[:-1]: rf"{len(whole) - 1} bytes: expected records of 3073",
        b"": "0 bytes: expected records of 3073",
        whole + b"\n" + whole[1:3073]: "label 10 of item 3: expected 0 .. 9",
    }
    for content, message in cases.items():
        with pytest.raises(DataError, match=f"^here: {message}"):
            decode_records(io.BytesIO(content), "here", column=0, n_columns=1, n_classes=10)


def member(name: str, kind: bytes = tarfile.REGTYPE, **fields: Any) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = kind
    for field, value in fields.items():
        setattr(info, field, value)
    return info


SUSPECT = {
    "up": member("../up"),
    "up from within": member("cifar-10-batches-py/../../up"),
    "absolute": member("/tmp/up"),
    "symbolic link": member("cifar-10-batches-py/x", tarfile.SYMTYPE, linkname="/etc/passwd"),
    "link": member("cifar-10-batches-py/x", tarfile.LNKTYPE, linkname="../../up"),
    "wanted link": member(NAMES[0], tarfile.SYMTYPE, linkname="/etc/passwd"),
    "character device": member("cifar-10-batches-py/x", tarfile.CHRTYPE, devmajor=1, devminor=3),
    "block device": member("cifar-10-batches-py/x", tarfile.BLKTYPE),
    "fifo": member("cifar-10-batches-py/x", tarfile.FIFOTYPE),
    "twice": member(NAMES[0]),
}


@pytest.mark.parametrize("extra", SUSPECT.values(), ids=SUSPECT.keys())
def test_suspect_archive_is_refused_and_nothing_written(
    extra: tarfile.TarInfo, tmp_path: Path
) -> None:
    place = tmp_path / "deep" / "folder"
    path = write_archive(place / "cifar-10-python.tar.gz", contents(cifar10()), extra)
    before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")}
    with pytest.raises(DataError, match=r"refused|expected one") as error:
        find(CIFAR10, "0" * 64, place)
    assert repr(extra.name)[1:-1] in one_line(error, path)
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")} == before


def test_huge_member_is_refused_before_it_is_read(tmp_path: Path) -> None:
    """Wanted or not: its header says 8 GB, its data are missing."""
    for name in (NAMES[0], "cifar-10-batches-py/more"):
        path = tmp_path / "cifar-10-python.tar.gz"
        with gzip.open(path, "wb") as file:
            file.write(member(name, size=8 * 10**9).tobuf())
        with pytest.raises(DataError, match="8000000000 bytes, expected at most 268435456"):
            find(CIFAR10, "0" * 64, tmp_path)


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.REGTYPE])
def test_archive_that_unpacks_without_end_is_cut_off(kind: bytes, tmp_path: Path) -> None:
    """Zeros pack a thousand to one; some headers are read whole before anybody sees their size."""
    path = tmp_path / "bomb.tar.gz"
    with gzip.open(path, "wb", 1) as file:
        for number in range(3):
            file.write(member(f"folder/{number}", kind, size=1 << 19).tobuf())
            file.write(bytes(1 << 19))
    with pytest.raises(DataError, match="unpacks to more than 1048576 bytes: refused") as error:
        list(open_members(path, ["folder/file"], limit=1 << 20))
    one_line(error, path)


def test_archive_that_lacks_a_file(tmp_path: Path) -> None:
    files = contents(cifar10())
    del files[NAMES[2]]
    path = write_archive(tmp_path / "cifar-10-python.tar.gz", files)
    with pytest.raises(DataError, match=rf"^{path}: lacks {NAMES[2]}$"):
        find(CIFAR10, "0" * 64, tmp_path)


def test_training_files_of_different_lengths(tmp_path: Path) -> None:
    files = {**cifar10(), "data_batch_3": made_up(5, 10, 0)}
    write_archive(tmp_path / "cifar-10-python.tar.gz", contents(files))
    with pytest.raises(DataError, match="training files of different lengths"):
        find(CIFAR10, "0" * 64, tmp_path)


def test_malicious_pickle_in_an_archive(tmp_path: Path) -> None:
    touched = tmp_path / "touched"
    files = contents(cifar100())
    files["cifar-100-python/test"] = pickle.dumps({b"data": Runs(os.system, f"touch {touched}")})
    path = write_archive(tmp_path / "cifar-100-python.tar.gz", files)
    with pytest.raises(DataError, match=r"calls for '\w+.system': refused") as error:
        find(CIFAR100, "0" * 64, tmp_path)
    one_line(error, f"{path}: cifar-100-python/test")
    assert not touched.exists()


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_damaged_archive_is_a_data_error_or_read_right(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.getbasetemp() / "tar"
    whole = folder / "whole.tar.gz"
    small = {name: items._replace(x=items.x // 255) for name, items in cifar100().items()}
    if not whole.exists():
        write_archive(whole, contents(small))
    content = bytearray(whole.read_bytes())
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    else:
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    damaged = folder / "damaged" / "cifar-100-python.tar.gz"
    damaged.parent.mkdir(exist_ok=True)
    damaged.write_bytes(bytes(content))
    refused = ""
    try:
        found = find(CIFAR100, fingerprint(*arrays(small)), damaged.parent)
        assert found.source == str(damaged)
    except DataError as error:
        refused = str(error)
    assert not refused or (refused.startswith(f"{damaged}: ") and "\n" not in refused)


@pytest.mark.parametrize("fault", ["cut", "wrong", "malicious"])
def test_bad_download_leaves_nothing(
    fault: str, tmp_path: Path, bare_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    extra = [member("../../up")] if fault == "malicious" else []
    path = write_archive(tmp_path / "cifar-10-python.tar.gz", contents(cifar10()), *extra)
    sha256 = "0" * 64 if fault == "wrong" else hashlib.sha256(path.read_bytes()).hexdigest()
    with served(tmp_path, cut=fault == "cut") as (address, asked):
        download = CIFAR10.download._replace(files={path.name: sha256}, mirrors=(address,))
        with pytest.raises(DataError) as error:
            find(CIFAR10._replace(download=download), "0" * 64, None)
    assert asked == [f"/{path.name}"]
    message = str(error.value)
    assert "\n" not in message
    if fault == "malicious":  # the checksum was right, what it held was not
        assert "'../../up': refused" in message
        assert [p.name for p in own_cache("cifar10").iterdir()] == [path.name]
    else:
        assert message.startswith("cifar10: no copy found and none fetched: expected --data-dir")
        assert list(own_cache("cifar10").iterdir()) == []
    assert not (own_cache("cifar10").parent.parent / "up").exists()


def test_tables_that_are_not_such_tables(tmp_path: Path) -> None:
    x, y = ITEMS.x, ITEMS.fine
    good = write_parquet(tmp_path / "good.parquet", "img", x, label=y)
    bad = {
        "'img'": write_parquet(tmp_path / "1.parquet", "image", x, label=y),
        "label 10 of item 2": write_parquet(
            tmp_path / "2.parquet", "img", x, label=np.array([0, 1, 10])
        ),
        "image L of size": write_parquet(tmp_path / "3.parquet", "img", x[:, :1], label=y),
        r"size \(16, 32\)": write_parquet(tmp_path / "4.parquet", "img", x[..., :16], label=y),
    }
    content = good.read_bytes()
    for number, damaged in enumerate((b"", content[:-9], b"PAR1" + bytes(999) + b"PAR1")):
        path = tmp_path / f"damaged {number}.parquet"
        path.write_bytes(damaged)
        bad[f"damaged {number}.parquet"] = path
    for message, path in bad.items():
        with pytest.raises(DataError, match=message) as error:
            read_parquet([good, path], TABLE)
        one_line(error, path)


def test_picture_that_is_no_png_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for content in (b"", b"GIF89a" + bytes(99), b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13)):
        monkeypatch.setattr("cifars.png", lambda image, content=content: content)
        path = write_parquet(tmp_path / "x.parquet", "img", ITEMS.x, label=ITEMS.fine)
        with pytest.raises(DataError, match=r"Unidentified.*expected a table of PNG"):
            read_parquet([path, path], TABLE)


def test_hub_table_with_rows_in_another_order_is_not_the_data_set(tmp_path: Path) -> None:
    files = cifar10()
    swapped = {
        **files,
        "data_batch_1": files["data_batch_2"],
        "data_batch_2": files["data_batch_1"],
    }
    write_hub(tmp_path, swapped)
    with pytest.raises(DataError, match="items of sha256"):
        find(CIFAR10, CIFAR10.fingerprint(*arrays(files)), tmp_path)
