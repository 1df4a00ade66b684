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
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
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
    png,
    write_archive,
    write_parquet,
    write_table,
)
from gigo.datasets import CATALOGUE, cache, from_path, load
from gigo.datasets.cifar import Part, Pickles
from gigo.datasets.idx import read_idx
from gigo.datasets.parquet import read_parquet
from gigo.datasets.untrusted import load_pickle, opened, reading, tar_members
from gigo.errors import DataError
from gigo.inputs import digest
from mirrors import Mirror

ITEMS = made_up(3, 10, 0)
NAMES = tuple(contents(cifar10()))


def one_line(error: pytest.ExceptionInfo[DataError], start: object) -> str:
    """The message, which is one short line that starts with the file."""
    message = str(error.value)
    assert message.startswith(f"{start}: ")
    assert "\n" not in message
    assert len(message) < len(str(start)) + 300
    return message


def decode(content: bytes) -> Part:
    with reading("here", "a pickle"):
        return Pickles("", "", (), "labels", 10).decode(io.BytesIO(content))


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
    x, _ = decode(pickled(ITEMS, many=False))
    np.testing.assert_array_equal(x, ITEMS.x)


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
        with reading("here", "a pickle"):
            load_pickle(io.BytesIO(bytes(content)))
    except DataError as error:
        message = str(error)
    assert not message or (message.startswith("here: ") and "\n" not in message)


def member(name: str, kind: bytes = tarfile.REGTYPE, **fields: Any) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = kind
    for field, value in fields.items():
        setattr(info, field, value)
    return info


SUSPECT = {
    "symbolic link": member(NAMES[0], tarfile.SYMTYPE, linkname="/etc/passwd"),
    "link": member(NAMES[0], tarfile.LNKTYPE, linkname="../../up"),
    "character device": member(NAMES[0], tarfile.CHRTYPE, devmajor=1, devminor=3),
    "block device": member(NAMES[0], tarfile.BLKTYPE),
    "fifo": member(NAMES[0], tarfile.FIFOTYPE),
    "folder": member(NAMES[0], tarfile.DIRTYPE),
    "sparse": member(NAMES[0], tarfile.GNUTYPE_SPARSE, size=0),
}


@pytest.mark.parametrize("wanted", SUSPECT.values(), ids=SUSPECT.keys())
def test_archive_member_that_is_no_plain_file_is_refused(
    wanted: tarfile.TarInfo, tmp_path: Path
) -> None:
    files = contents(cifar10())
    del files[NAMES[0]]
    path = write_archive(tmp_path / "cifar-10-python.tar.gz", files, wanted)
    with pytest.raises(DataError, match=f"member '{NAMES[0]}': expected a plain file") as error:
        load("cifar10", tmp_path)
    one_line(error, path)


def test_archive_member_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    write_archive(tmp_path / "cifar-10-python.tar.gz", contents(cifar10()), member(NAMES[0]))
    with pytest.raises(DataError, match=f"two members '{NAMES[0]}': expected one"):
        load("cifar10", tmp_path)


def test_other_members_of_an_archive_do_nothing(tmp_path: Path) -> None:
    """No path leads out of it and no link is followed, since nothing is unpacked to the disk."""
    place = tmp_path / "deep" / "folder"
    extra = [
        member("../up"),
        member("/tmp/up"),
        member("cifar-10-batches-py/x", tarfile.SYMTYPE, linkname="../../up"),
        member("cifar-10-batches-py/y", tarfile.CHRTYPE, devmajor=1, devminor=3),
    ]
    write_archive(place / "cifar-10-python.tar.gz", contents(cifar10()), *extra)
    before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")}
    assert len(from_path(place).y_train) == 20
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")} == before


@pytest.mark.parametrize("name", [NAMES[0], "cifar-10-batches-py/more"])
def test_member_that_claims_to_be_huge(name: str, tmp_path: Path) -> None:
    """Wanted or not: its header says 8 GB, its data are missing."""
    path = tmp_path / "cifar-10-python.tar.gz"
    with gzip.open(path, "wb") as file:
        file.write(member(name, size=8 * 10**9).tobuf())
    with pytest.raises(DataError) as error:
        load("cifar10", tmp_path)
    one_line(error, path)


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.REGTYPE])
def test_archive_that_unpacks_without_end_is_cut_off(kind: bytes, tmp_path: Path) -> None:
    """Zeros pack a thousand to one; some headers are read whole before anybody sees their size."""
    path = tmp_path / "bomb.tar.gz"
    with gzip.open(path, "wb", 1) as file:
        for number in range(3):
            file.write(member(f"folder/{number}", kind, size=1 << 19).tobuf())
            file.write(bytes(1 << 19))
    with (
        pytest.raises(DataError, match="unpacks to more than 1048576 bytes: refused") as error,
        opened(path, "an archive", limit=1 << 20) as file,
    ):
        list(tar_members(file, ["folder/file"]))
    one_line(error, path)


def peak(call: Callable[[], object]) -> int:
    """Bytes that Python allocated at most while an error was raised."""
    tracemalloc.start()
    try:
        with pytest.raises(DataError):
            call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def write_zeros(path: Path, start: bytes, megabytes: int) -> Path:
    """A gzip file that unpacks to what it starts with, then zeros."""
    with gzip.open(path, "wb", 1) as file:
        file.write(start)
        for _ in range(megabytes):
            file.write(bytes(1 << 20))
    return path


def test_idx_file_unpacks_no_further_than_its_header_says(tmp_path: Path) -> None:
    header = bytes([0, 0, 8, 3]) + struct.pack(">3I", 100, 28, 28)
    path = write_zeros(tmp_path / "bomb.gz", header, 64)
    assert peak(lambda: read_idx(path, 3)) < 2_000_000
    with pytest.raises(DataError, match="more bytes of values: expected 78400 for shape"):
        read_idx(path, 3)


def test_idx_file_that_announces_more_than_anybody_has(tmp_path: Path) -> None:
    header = bytes([0, 0, 8, 3]) + struct.pack(">3I", *[65_536] * 3)
    path = write_zeros(tmp_path / "bomb.gz", header, 1)
    with pytest.raises(DataError, match=r"\(65536, 65536, 65536\): expected at most \d+ bytes"):
        read_idx(path, 3)


def test_packed_pickle_is_cut_off(tmp_path: Path) -> None:
    path = write_zeros(tmp_path / "train.gz", b"", 8)
    with (
        pytest.raises(DataError, match=f"^{path}: unpacks to more than 1048576 bytes: refused"),
        opened(path, "a pickle", limit=1 << 20) as file,
    ):
        file.read()


def test_archive_that_lacks_a_file(tmp_path: Path) -> None:
    files = contents(cifar10())
    del files[NAMES[2]]
    path = write_archive(tmp_path / "cifar-10-python.tar.gz", files)
    with pytest.raises(DataError, match=rf"^{path}: lacks {NAMES[2]}$"):
        load("cifar10", tmp_path)


def test_malicious_pickle_in_an_archive(tmp_path: Path) -> None:
    touched = tmp_path / "touched"
    files = contents(cifar100())
    files["cifar-100-python/test"] = pickle.dumps({b"data": Runs(os.system, f"touch {touched}")})
    path = write_archive(tmp_path / "cifar-100-python.tar.gz", files)
    with pytest.raises(DataError, match=r"calls for '\w+.system': refused") as error:
        load("cifar100", tmp_path)
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
        found = from_path(damaged.parent)
        assert found.sha256 == digest(*arrays(small))
    except DataError as error:
        refused = str(error)
    assert not refused or (refused.startswith(f"{damaged}: ") and "\n" not in refused)


@pytest.mark.parametrize("fault", ["wrong", "malicious"])
def test_bad_download(fault: str, tmp_path: Path, bare_home: Path) -> None:
    link = member(NAMES[0], tarfile.SYMTYPE, linkname="/etc/passwd")
    extra = [link] if fault == "malicious" else []
    path = write_archive(tmp_path / "cifar-10-python.tar.gz", contents(cifar10()), *extra)
    sha256 = "0" * 64 if fault == "wrong" else hashlib.sha256(path.read_bytes()).hexdigest()
    there = CATALOGUE["cifar10"]._replace(downloads={path.name: sha256}, mirrors=(f"{tmp_path}/",))
    with pytest.raises(DataError) as error:
        load(there, None, get=Mirror())
    message = str(error.value)
    assert "\n" not in message
    if fault == "malicious":  # the checksum was right, what it held was not
        assert f"two members '{NAMES[0]}'" in message
        assert [p.name for p in cache(there).iterdir()] == [path.name]
    else:
        assert message.startswith(f"{cache(there)}: not fetched: ")
        assert list(cache(there).iterdir()) == []


def test_table_of_images(tmp_path: Path) -> None:
    for x in (ITEMS.x, ITEMS.x[:, :1, :20]):
        path = write_parquet(tmp_path / "good.parquet", "img", x, label=ITEMS.fine)
        found, labels = read_parquet(path)
        np.testing.assert_array_equal(found, x)
        np.testing.assert_array_equal(labels, ITEMS.fine)
        assert (found.dtype, labels.dtype) == (np.uint8, np.int64)


def test_tables_that_are_not_such_tables(tmp_path: Path) -> None:
    x, cells = ITEMS.x, [png(image) for image in ITEMS.x]
    good = write_table(tmp_path / "good.parquet", "img", cells, label=[0, 1, 2])
    odd = [*cells[:2], png(x[2, :1])]
    bad = {
        "'img'": write_table(tmp_path / "1.parquet", "picture", cells, label=[0, 1, 2]),
        "'label'": write_table(tmp_path / "2.parquet", "img", cells, labels=[0, 1, 2]),
        "image L of size": write_table(tmp_path / "3.parquet", "img", odd, label=[0, 1, 2]),
        r"size \(16, 32\)": write_table(
            tmp_path / "4.parquet", "img", [*cells[:2], png(x[2, :, :, :16])], label=[0, 1, 2]
        ),
        "labels of type double": write_table(
            tmp_path / "5.parquet", "img", cells, label=[0, 1.5, 2]
        ),
        "labels of type string": write_table(
            tmp_path / "6.parquet", "img", cells, label=["0", "1", "2"]
        ),
        "labels of type int64, 1 missing": write_table(
            tmp_path / "7.parquet", "img", cells, label=[0, None, 2]
        ),
        "ArrowInvalid": write_table(
            tmp_path / "8.parquet", "img", cells, label=np.array([0, 1, 2**63], dtype=np.uint64)
        ),
    }
    content = good.read_bytes()
    for number, damaged in enumerate((b"", content[:-9], b"PAR1" + bytes(999) + b"PAR1")):
        path = tmp_path / f"damaged {number}.parquet"
        path.write_bytes(damaged)
        bad[f"damaged {number}.parquet"] = path
    for message, path in bad.items():
        with pytest.raises(DataError, match=message) as error:
            read_parquet(path)
        one_line(error, path)


def test_tables_without_rows_are_no_data_set(tmp_path: Path) -> None:
    write_parquet(tmp_path / "train-00000-of-00001.parquet", "image", ITEMS.x, label=ITEMS.fine)
    write_table(tmp_path / "test-00000-of-00001.parquet", "image", [], label=ITEMS.fine[:0])
    with pytest.raises(DataError, match="for 0 images: refused"):
        from_path(tmp_path)


@pytest.mark.parametrize(
    "cell", [None, b"", b"GIF89a" + bytes(99), b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13)]
)
def test_picture_that_is_no_png_is_refused(cell: bytes | None, tmp_path: Path) -> None:
    path = write_table(tmp_path / "x.parquet", "img", [cell] * 3, label=[0, 1, 2])
    with pytest.raises(DataError, match="expected a table of PNG images"):
        read_parquet(path)


def test_table_that_unpacks_to_much_more_than_it_is(tmp_path: Path) -> None:
    cells = [png(image) + bytes(5_000_000) for image in ITEMS.x]
    path = write_table(tmp_path / "x.parquet", "img", cells, label=[0, 1, 2])
    assert path.stat().st_size < 1_000_000
    with pytest.raises(DataError, match=r"x.parquet: unpacks to 150\d+ bytes for 3 images: ref"):
        read_parquet(path)


def test_table_of_more_rows_than_anybody_has(tmp_path: Path) -> None:
    """One picture, repeated: the file is small."""
    n = (1 << 24) + 1
    kind = pa.struct([("bytes", pa.dictionary(pa.int32(), pa.binary()))])
    pictures = pa.DictionaryArray.from_arrays(np.zeros(n, np.int32), [png(ITEMS.x[0])])
    images = pa.StructArray.from_arrays([pictures], fields=list(kind))
    table = pa.table({"img": images, "label": np.zeros(n, np.int8)})
    pq.write_table(table, tmp_path / "x.parquet")
    assert (tmp_path / "x.parquet").stat().st_size < 10_000_000
    with pytest.raises(DataError, match=f"bytes for {n} images: refused"):
        read_parquet(tmp_path / "x.parquet")


def test_picture_that_announces_more_than_anybody_has(tmp_path: Path) -> None:
    huge = bytearray(png(ITEMS.x[0]))
    huge[16:24] = struct.pack(">2I", 8_000, 8_000)
    header = bytes(huge[12:29])
    huge[29:33] = struct.pack(">I", zlib.crc32(header))
    path = write_table(tmp_path / "x.parquet", "img", [bytes(huge)] * 30, label=[0] * 30)
    with pytest.raises(DataError, match="30 images of 192000000 bytes: refused, too many"):
        read_parquet(path)


def test_table_that_is_a_pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.parquet")
    with pytest.raises(DataError, match="neither a plain file nor a link to one"):
        read_parquet(tmp_path / "x.parquet")
