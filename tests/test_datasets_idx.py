"""The idx decoder: what is whole round-trips, what is damaged is refused."""

from __future__ import annotations

import contextlib
import gzip
import io
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gigo.datasets.idx import decode_idx, read_idx, read_labelled
from gigo.datasets.untrusted import reading
from gigo.errors import DataError

HERE = Path("some-idx3-ubyte")


def decode(content: bytes) -> np.ndarray:
    """As images."""
    with reading(HERE, "an idx file"):
        return decode_idx(io.BytesIO(content), 3)


images = arrays(np.uint8, st.tuples(st.integers(1, 4), st.integers(1, 5), st.integers(1, 5)))


def encode(array: np.ndarray, type_code: int = 8) -> bytes:
    """An idx file's bytes, written from the format's description."""
    header = bytes([0, 0, type_code, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.tobytes()


@given(images)
def test_round_trip(array: np.ndarray) -> None:
    decoded = decode(encode(array))
    assert decoded.dtype == np.uint8
    np.testing.assert_array_equal(decoded, array)


@given(images, st.data())
def test_truncated_anywhere_is_refused(array: np.ndarray, data: st.DataObject) -> None:
    whole = encode(array)
    cut = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(DataError, match=f"^{HERE}: .*expected"):
        decode(whole[:cut])


@given(images, st.binary(min_size=1, max_size=40))
def test_trailing_bytes_are_refused(array: np.ndarray, more: bytes) -> None:
    with pytest.raises(DataError, match="bytes of values: expected"):
        decode(encode(array) + more)


@given(images, st.data())
def test_any_flipped_header_bit_is_refused(array: np.ndarray, data: st.DataObject) -> None:
    damaged = bytearray(encode(array))
    bit = data.draw(st.integers(0, 16 * 8 - 1))
    damaged[bit // 8] ^= 1 << bit % 8
    with pytest.raises(DataError, match=f"^{HERE}: .*expected"):
        decode(bytes(damaged))


def test_messages_name_file_found_and_expected() -> None:
    array = np.zeros((2, 3, 4), dtype=np.uint8)
    whole = encode(array)
    cases = {
        whole[:7]: "7 bytes that start with 0x00000803: expected 0x00000803, unsigned bytes of 3 d",
        b"PK" + whole[2:]: "16 bytes that start with 0x504b0803: expected 0x00000803",
        encode(array, 13): "16 bytes that start with 0x00000d03: expected 0x00000803",
        encode(array[None]): "16 bytes that start with 0x00000804: expected 0x00000803",
        whole[:-1]: "23 bytes of values: expected 24 for shape (2, 3, 4)",
        whole + b"x": "more bytes of values: expected 24 for shape (2, 3, 4)",
    }
    for content, message in cases.items():
        with pytest.raises(DataError) as error:
            decode(content)
        assert str(error.value).startswith(f"{HERE}: {message}")


def test_sizes_do_not_wrap_around() -> None:
    """65536 x 65536 x 65536 x 65536 is 0 modulo 2**64, and this file holds 0 bytes."""
    huge = bytes([0, 0, 8, 4]) + struct.pack(">4I", *[65_536] * 4)
    with pytest.raises(DataError, match="expected at most 2147483648 bytes of values"):
        decode_idx(io.BytesIO(huge), 4)


@given(array=images)
def test_packed_and_unpacked_read_alike(
    tmp_path_factory: pytest.TempPathFactory, array: np.ndarray
) -> None:
    folder = tmp_path_factory.mktemp("idx")
    for name, content in (("raw", encode(array)), ("packed", gzip.compress(encode(array)))):
        path = folder / name
        path.write_bytes(content)
        np.testing.assert_array_equal(read_idx(path, 3), array)


def test_packed_file_truncated_anywhere_is_refused(tmp_path: Path) -> None:
    packed = gzip.compress(encode(np.arange(24, dtype=np.uint8).reshape(2, 3, 4)))
    path = tmp_path / "cut.gz"
    for cut in range(len(packed)):
        path.write_bytes(packed[:cut])
        with pytest.raises(DataError, match=r"cut.gz: .*expected"):
            read_idx(path, 3)


def test_packed_file_with_any_byte_damaged_is_refused_or_read_right(tmp_path: Path) -> None:
    """Some header bytes of gzip, such as its time stamp, mean nothing for the content."""
    array = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    packed = gzip.compress(encode(array))
    path = tmp_path / "flipped.gz"
    for position in range(len(packed)):
        damaged = bytearray(packed)
        damaged[position] ^= 0xFF
        path.write_bytes(bytes(damaged))
        with contextlib.suppress(DataError):
            np.testing.assert_array_equal(read_idx(path, 3), array)


def test_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere.*expected a whole idx file"):
        read_idx(tmp_path / "nowhere", 1)


def write_pair(folder: Path, n_images: int, labels: list[int]) -> tuple[Path, Path]:
    x, y = folder / "x", folder / "y"
    x.write_bytes(encode(np.zeros((n_images, 2, 3), dtype=np.uint8)))
    y.write_bytes(encode(np.array(labels, dtype=np.uint8)))
    return x, y


def test_labelled_pair_has_a_channel_and_wide_labels(tmp_path: Path) -> None:
    x, y = read_labelled(*write_pair(tmp_path, 3, [0, 9, 4]))
    assert x.shape == (3, 1, 2, 3)
    assert x.dtype == np.uint8
    assert y.dtype == np.int64
    assert y.tolist() == [0, 9, 4]


def test_labels_and_images_must_be_as_many(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"y: 2 labels: expected 3, as many as .*x has"):
        read_labelled(*write_pair(tmp_path, 3, [0, 1]))
