"""Folders of images and tables that name images, from real files."""

from __future__ import annotations

import io
import os
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import parquet

import gigo
from gigo.datasets import from_path
from gigo.datasets.build import build
from gigo.datasets.decode import decode, header
from gigo.datasets.image_folder import is_image_folder
from gigo.datasets.pictures import read_pictures
from gigo.errors import DataError, SpecError

ROWS, COLUMNS = 4, 6


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(home))
    return home / "gigo" / "images"


def pixels(seed: int, *shape: int, dtype: Any = np.uint8) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max + 1, shape).astype(dtype)


def grey(seed: int) -> np.ndarray:
    return pixels(seed, ROWS, COLUMNS)


def coloured(seed: int) -> np.ndarray:
    return pixels(seed, ROWS, COLUMNS, 3)


def encoded(image: Image.Image | np.ndarray, format: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    image.save(file, format, **options)
    return file.getvalue()


def put(path: Path, content: bytes | np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else encoded(content))
    return path


def make(root: Path, *classes: str, n: int = 4, first: int = 0) -> np.ndarray:
    """A folder per class of n grey images; the images, in the order of classes and numbers."""
    images = np.stack([grey(first + k) for k in range(n * len(classes))])
    for k, image in enumerate(images):
        put(root / classes[k // n] / f"{k % n}.png", image)
    return images[:, None]


def chunk(kind: bytes, content: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + check


def png(width: int, height: int, depth: int, colour: int, raw: bytes) -> bytes:
    """A PNG file of what Pillow does not write."""
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    parts = chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(raw)), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


# One image


@pytest.mark.parametrize("format", ["PNG", "BMP", "TIFF", "PPM", "GIF"])
def test_a_grey_image_is_one_channel_of_its_values(format: str) -> None:
    content = encoded(grey(0), format)
    found, remarks = decode(content, 1)
    assert header(content) == ((ROWS, COLUMNS), True, False)
    assert found.dtype == np.uint8 and found.tolist() == [grey(0).tolist()]
    assert remarks == []
    assert np.array_equal(decode(content, 3)[0], np.stack([grey(0)] * 3))


@pytest.mark.parametrize("format", ["PNG", "BMP", "TIFF", "PPM"])
def test_a_coloured_image_is_three_channels_of_its_values(format: str) -> None:
    content = encoded(coloured(0), format)
    assert header(content) == ((ROWS, COLUMNS), False, False)
    assert np.array_equal(decode(content, 3)[0], coloured(0).transpose(2, 0, 1))


def test_a_one_bit_image_is_black_and_white() -> None:
    bits = grey(0) > 127
    content = encoded(Image.fromarray(bits))
    assert header(content).grey
    assert np.array_equal(decode(content, 1)[0][0], bits * 255)


@pytest.mark.parametrize("format", ["PNG", "GIF", "BMP"])
def test_a_palette_says_whether_an_image_has_colours(format: str) -> None:
    numbers = Image.fromarray(grey(0) % 4)
    for palette, is_grey in (
        ([0, 0, 0, 90, 90, 90, 200, 200, 200, 255, 255, 255], True),
        ([0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255], False),
    ):
        image = numbers.copy()
        image.putpalette(palette)
        content = encoded(image, format)
        assert header(content).grey == is_grey
        expected = np.array(palette).reshape(-1, 3)[grey(0) % 4].transpose(2, 0, 1)
        assert np.array_equal(decode(content, 3)[0], expected)


@pytest.mark.parametrize("format", ["PNG", "TIFF", "PPM"])
def test_16_bits_are_read_exactly(format: str) -> None:
    values = pixels(0, ROWS, COLUMNS, dtype=np.uint16)
    content = encoded(values, format)
    found, remarks = decode(content, 1, deep=True)
    assert header(content) == ((ROWS, COLUMNS), True, True)
    assert found.dtype == np.float32 and remarks == []
    assert np.array_equal(found[0], (values / 65535).astype(np.float32))
    assert np.array_equal(np.rint(found[0] * 65535), values)


def test_16_bits_per_colour_are_read_at_8_which_is_said() -> None:
    content = png(1, 1, 16, 2, b"\x00" + struct.pack(">HHH", 0x1234, 0x5678, 0x9ABC))
    found, remarks = decode(content, 3)
    assert found.ravel().tolist() == [0x12, 0x56, 0x9A] and remarks == ["narrowed"]


def test_real_numbers_are_read_as_they_are() -> None:
    values = np.linspace(-1, 7, ROWS * COLUMNS, dtype=np.float32).reshape(ROWS, COLUMNS)
    found, remarks = decode(encoded(values, "TIFF"), 1, deep=True)
    assert np.array_equal(found[0], values) and remarks == ["floats"]
    values[0, 0] = np.nan
    with pytest.raises(DataError, match="no numbers, or infinite"):
        decode(encoded(values, "TIFF"), 1, deep=True)


def test_more_than_16_bits_are_refused() -> None:
    with pytest.raises(DataError, match="more than 16 bits"):
        decode(encoded(np.full((2, 2), 1 << 20, np.int32), "TIFF"), 1, deep=True)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
def test_transparent_images_are_laid_on_white(mode: str) -> None:
    black = Image.new("RGBA", (3, 1), "black")
    black.putalpha(Image.fromarray(np.array([[0, 102, 255]], np.uint8)))
    content = encoded(black if mode == "RGBA" else black.convert(mode), "TIFF")
    found, remarks = decode(content, 3)
    assert found[:, 0].tolist() == [[255, 153, 0]] * 3 and remarks == ["transparent"]
    assert header(content).grey == (mode != "RGBA")


def test_an_opaque_alpha_channel_changes_nothing() -> None:
    image = Image.fromarray(coloured(0)).convert("RGBA")
    found, remarks = decode(encoded(image), 3)
    assert np.array_equal(found, coloured(0).transpose(2, 0, 1)) and remarks == []


def test_a_transparent_colour_of_a_palette_becomes_white() -> None:
    image = Image.fromarray(np.array([[0, 1]], np.uint8))
    image.putpalette([10, 20, 30, 40, 50, 60])
    found, remarks = decode(encoded(image, transparency=0), 3)
    assert found[:, 0].tolist() == [[255, 40], [255, 50], [255, 60]]
    assert remarks == ["transparent"]


@pytest.mark.parametrize("format", ["TIFF", "JPEG"])
def test_cmyk_becomes_rgb(format: str) -> None:
    image = Image.new("CMYK", (8, 8), (0, 255, 0, 0))
    found, remarks = decode(encoded(image, format), 3)
    assert np.abs(found[:, 0, 0] - np.array([255, 0, 255.0])).max() < 3 and remarks == ["cmyk"]


@pytest.mark.parametrize("format", ["PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_turned_images_are_upright(format: str, orientation: int) -> None:
    upright = coloured(0)
    axes = upright.transpose(1, 0, 2)
    lies = {  # where the first row and the first column of the file are seen (EXIF 2.3, 4.6.4)
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: axes,
        6: axes[::-1],
        7: axes[::-1, ::-1],
        8: axes[:, ::-1],
    }
    exif = Image.Exif()
    exif[0x0112] = orientation
    lossless = {"lossless": True} if format == "WEBP" else {}
    stored = np.ascontiguousarray(lies[orientation])
    content = encoded(stored, format, exif=exif, **lossless)
    found, remarks = decode(content, 3)
    assert header(content).size == (ROWS, COLUMNS)
    assert np.array_equal(found, upright.transpose(2, 0, 1))
    assert remarks == (["turned"] if orientation > 1 else [])


def test_of_several_frames_the_first_is_read() -> None:
    frames = [Image.fromarray(grey(k)) for k in range(3)]
    content = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    found, remarks = decode(content, 1)
    assert np.array_equal(found[0], grey(0)) and remarks == ["frames"]


def test_scaling_is_pillows_and_the_same_for_16_bits() -> None:
    wide = np.repeat(grey(0), 5, axis=0)
    expected = np.asarray(Image.fromarray(wide).resize((3, 3), Image.Resampling.BILINEAR))
    assert np.array_equal(decode(encoded(wide), 1, resize=3)[0][0], expected)
    deep = encoded(wide.astype(np.uint16) * 257)
    found, _ = decode(deep, 1, deep=True, resize=3)
    assert np.abs(found[0] * 255 - expected).max() < 1


def test_a_jpeg_file_scaled_down_is_about_what_all_of_it_would_be() -> None:
    photo = Image.fromarray(coloured(0)).resize((640, 480))
    content = encoded(photo, "JPEG", quality=95)
    whole = Image.open(io.BytesIO(content)).resize((32, 32), Image.Resampling.BILINEAR)
    found, _ = decode(content, 3, resize=32)
    assert np.abs(found.transpose(1, 2, 0) - np.asarray(whole, float)).mean() < 2


BOMB = png(30_000, 30_000, 8, 0, b"")
BAD = {
    "zero.png": b"",
    "half.png": encoded(pixels(0, 40, 40))[:900],
    "half.jpg": encoded(pixels(0, 40, 40), "JPEG")[:900],
    "half.gif": encoded(pixels(0, 40, 40), "GIF")[:900],
    "text.jpg": b"<html>404 not found</html>",
    "notes.txt": b"taken in May",
    "bomb.png": BOMB,
    "script.eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 4 4\nshowpage\n",
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_image_is_an_error_naming_it_or_passed_over(tmp_path: Path, name: str) -> None:
    images = make(tmp_path, "cat", "dog")
    bad = put(tmp_path / "cat" / name, BAD[name])
    with pytest.raises(DataError) as error:
        from_path(tmp_path, resize=8)
    assert str(error.value).startswith(f"{bad}: ") and "\n" not in str(error.value)
    assert str(error.value).count("expected an image") == 1
    assert "--skip-bad" in str(error.value)
    found = from_path(tmp_path, resize=8, skip_bad=True)
    assert found.n_train + found.n_test == len(images)
    assert any(
        note.startswith("1 file that can't be read as an image is passed") and name in note
        for note in found.notes
    )
    with pytest.raises(DataError, match="--skip-bad"):  # now it is in the cache
        from_path(tmp_path, resize=8)


def test_a_bomb_is_refused_by_pillows_limit(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="Pillow's limit of"):
        header(BOMB)
    almost = png(10_000, 10_000, 8, 0, b"")  # of which Pillow only warns
    make(tmp_path, "a", "b")
    put(tmp_path / "a" / "large.png", almost)
    with pytest.raises(DataError, match=r"large.png: 10000 x 10000 pixels: refused, more than"):
        from_path(tmp_path)


def test_a_named_pipe_is_no_image(tmp_path: Path) -> None:
    make(tmp_path, "a", "b")
    os.mkfifo(tmp_path / "a" / "pipe.png")
    with pytest.raises(DataError, match=r"pipe.png: neither a plain file"):
        from_path(tmp_path)


# Folders


def test_a_folder_is_what_its_arrays_are(tmp_path: Path) -> None:
    images = make(tmp_path / "data", "cat", "dog", "eel")
    labels = np.repeat(["cat", "dog", "eel"], 4)
    found = from_path(tmp_path / "data", test_share=0.25, seed=3)
    same = build("data", "arrays", images, labels, test_share=0.25, seed=3)
    assert found.sha256 == same.sha256
    assert np.array_equal(found.x_train, same.x_train)
    assert (found.name, found.kind, found.classes) == ("data", "image", ("cat", "dog", "eel"))
    assert found.x_train.dtype == np.uint8 and not found.x_train.flags.writeable


def test_items_come_in_the_order_of_bytes(tmp_path: Path) -> None:
    names = ["a10.png", "B.png", "a2.PNG", "é.png", "a.png"]
    for place, name in enumerate(["B.png", "a.png", "a10.png", "a2.PNG", "é.png"]):
        put(tmp_path / "train" / "x" / name, grey(place))
        put(tmp_path / "train" / "X" / name, grey(10 + place))
        put(tmp_path / "test" / "x" / name, grey(20 + place))
    assert {*names} == {each.name for each in (tmp_path / "train" / "x").iterdir()}
    found = from_path(tmp_path)
    expected = [grey(k) for k in (10, 11, 12, 13, 14, 0, 1, 2, 3, 4)]
    assert np.array_equal(found.x_train[:, 0], expected)
    assert found.classes == ("X", "x") and found.y_train.tolist() == [0] * 5 + [1] * 5


def test_numbers_are_names_and_sorted_by_value(tmp_path: Path) -> None:
    images = make(tmp_path / "train", "1", "10", "2", n=2)
    make(tmp_path / "test", "2", n=1, first=50)
    found = from_path(tmp_path)
    assert found.classes == ("1", "2", "10")
    assert np.array_equal(found.x_train, images)
    assert found.y_train.tolist() == [0, 0, 2, 2, 1, 1]
    assert found.tests["test"][1].tolist() == [1]


def test_a_test_set_that_lacks_a_class_shifts_no_other(tmp_path: Path) -> None:
    make(tmp_path / "train", "0", "180", "270", "90")
    make(tmp_path / "test", "0", "270", "90", n=1, first=50)
    (tmp_path / "test" / "180").mkdir()  # lacking or empty is the same
    found = from_path(tmp_path)
    assert found.classes == ("0", "90", "180", "270")
    x, y = found.tests["test"]
    assert y.tolist() == [0, 3, 1] and np.array_equal(x[2, 0], grey(52))
    assert "class '180': no test item" in found.notes


def test_a_test_class_that_is_unknown_to_training_is_an_error(tmp_path: Path) -> None:
    make(tmp_path / "train", "cat", "dog")
    make(tmp_path / "test", "cat", "emu")
    with pytest.raises(DataError, match="label of the test set 'emu': expected classes of the"):
        from_path(tmp_path)


def test_hidden_files_and_folders_are_passed_over_and_said(tmp_path: Path) -> None:
    images = make(tmp_path, "cat", "dog")
    for name in (".ipynb_checkpoints/0.png", "cat/.ipynb_checkpoints/0-checkpoint.png"):
        put(tmp_path / name, grey(90))
    for name in (".DS_Store", "cat/.DS_Store", "dog/Thumbs.db", "__MACOSX/cat/0.png"):
        put(tmp_path / name, b"\0\1")
    put(tmp_path / "README.txt", b"cats and dogs")
    found = from_path(tmp_path)
    assert found.classes == ("cat", "dog") and found.n_train + found.n_test == len(images)
    hidden = ".DS_Store (2), .ipynb_checkpoints/ (2), Thumbs.db (1), __MACOSX/ (1)"
    assert f"hidden files and folders are passed over: {hidden}" in found.notes
    assert "files beside the folders of classes are passed over: README.txt" in found.notes


@pytest.mark.parametrize("inside", [None, ".DS_Store"])
def test_an_empty_class_folder_is_an_error_naming_it(tmp_path: Path, inside: str | None) -> None:
    make(tmp_path, "cat", "dog")
    (tmp_path / "emu").mkdir()
    if inside:
        put(tmp_path / "emu" / inside, b"\0")
    with pytest.raises(DataError, match=rf"^{tmp_path}/emu: the folder of a class without images"):
        from_path(tmp_path)


def test_a_class_of_bad_files_alone_is_an_error_naming_it(tmp_path: Path) -> None:
    make(tmp_path, "cat", "dog")
    put(tmp_path / "emu" / "0.png", b"")
    with pytest.raises(DataError, match="class 'emu' has no file that is an image"):
        from_path(tmp_path, skip_bad=True)


def test_a_test_folder_that_is_not_there_is_an_error_naming_it(tmp_path: Path) -> None:
    make(tmp_path, "cat", "dog")
    with pytest.raises(DataError, match="missing: No such file or directory: expected a folder"):
        from_path(tmp_path, test=tmp_path / "missing")


def test_files_that_are_all_bad_are_an_error(tmp_path: Path) -> None:
    for name in ("cat/0.png", "dog/0.png"):
        put(tmp_path / name, BAD["half.png"])
    with pytest.raises(DataError, match=r"cat/0.png: .*none of the others is an image"):
        from_path(tmp_path, skip_bad=True)


def test_folders_in_a_class_are_an_error_naming_one(tmp_path: Path) -> None:
    make(tmp_path, "cat", "dog")
    put(tmp_path / "cat" / "small" / "0.png", grey(0))
    with pytest.raises(DataError, match=r"cat/small: a folder in that of class 'cat'"):
        from_path(tmp_path)


@pytest.mark.parametrize(
    ("splits", "test", "note"),
    [
        (["Train", "TEST"], "TEST", None),
        (["train", "test", "val"], "test", "val/ is not used: the test set is test/"),
        (["train", "val"], "val", "the test set is val/"),
        (["train", "validation"], "validation", "the test set is validation/"),
        (["train", "test", "misc"], "test", "misc/ is not used: beside train/ only splits count"),
    ],
)
def test_splits_are_no_classes(
    tmp_path: Path, splits: list[str], test: str, note: str | None
) -> None:
    images = {
        split: make(tmp_path / split, "cat", "dog", first=10 * k) for k, split in enumerate(splits)
    }
    found = from_path(tmp_path)
    assert found.classes == ("cat", "dog")
    assert np.array_equal(found.x_train, images[splits[0]])
    assert np.array_equal(found.tests["test"][0], images[test])
    assert found.notes == ((note,) if note else ())


def test_train_alone_has_a_test_set_held_out(tmp_path: Path) -> None:
    make(tmp_path / "train", "cat", "dog", n=5)
    for k in range(3):
        put(tmp_path / "test" / f"{k}.png", grey(k))  # without labels
    found = from_path(tmp_path)
    assert (found.n_train, found.n_test) == (8, 2)
    assert "test/ is not used: no folder per class is there" in found.notes


def test_classes_may_be_called_train_and_test(tmp_path: Path) -> None:
    make(tmp_path, "bus", "train", "test")
    assert from_path(tmp_path).classes == ("bus", "test", "train")


def test_the_test_option_names_a_folder(tmp_path: Path) -> None:
    make(tmp_path / "a" / "train", "cat", "dog")
    make(tmp_path / "a" / "test", "cat", "dog", first=20)
    images = make(tmp_path / "b", "dog", first=40)
    found = from_path(tmp_path / "a", test=tmp_path / "b")
    assert np.array_equal(found.tests["test"][0], images)
    assert any(note.startswith("test/ is not used: the test set is") for note in found.notes)


def test_copies_in_two_classes_are_counted(tmp_path: Path) -> None:
    make(tmp_path, "cat", "dog")  # of the same names
    assert from_path(tmp_path).n_train + from_path(tmp_path).n_test == 8
    put(tmp_path / "cat" / "x.png", grey(0))
    put(tmp_path / "dog" / "x.png", grey(0))
    note = "3 images have a copy, byte for byte, in another class"
    assert note in from_path(tmp_path).notes


def test_labels_and_classes_of_the_user(tmp_path: Path) -> None:
    make(tmp_path / "train", "cat", "dog", n=2)
    make(tmp_path / "test", "cat", first=20)
    put(tmp_path / "train" / "cat" / "00.png", b"")  # passed over, and with it its label
    others = tmp_path / "others.txt"
    others.write_text("dog\ndog\ncat\ndog\ndog\n")
    options: dict[str, Any] = {"labels": others, "classes": ["dog", "cat"], "skip_bad": True}
    found = from_path(tmp_path, **options)
    assert found.classes == ("dog", "cat") and found.y_train.tolist() == [0, 1, 0, 0]


@pytest.mark.parametrize(
    ("option", "value"), [("resize", 0), ("resize", "64"), ("label", "x"), ("kind", "text")]
)
def test_an_option_that_can_t_be_is_an_error_naming_it(
    tmp_path: Path, option: str, value: Any
) -> None:
    make(tmp_path, "cat", "dog")
    with pytest.raises(SpecError, match=option):
        from_path(tmp_path, **{option: value})


def test_what_is_a_folder_of_images(tmp_path: Path) -> None:
    assert not is_image_folder(tmp_path) and not is_image_folder(tmp_path / "missing")
    put(tmp_path / "flat" / "0.png", grey(0))
    assert is_image_folder(tmp_path) and not is_image_folder(tmp_path / "flat")
    put(tmp_path / "split" / "train" / "cat" / "0.JPG", encoded(grey(0), "JPEG"))
    assert is_image_folder(tmp_path / "split")
    with pytest.raises(DataError, match="a folder of images per class"):
        from_path(tmp_path / "flat")


# Shapes and types


def test_one_coloured_image_makes_all_coloured(tmp_path: Path) -> None:
    images = make(tmp_path / "train", "cat", "dog")
    put(tmp_path / "test" / "cat" / "0.png", coloured(0))
    found = from_path(tmp_path)
    assert np.array_equal(found.x_train, np.repeat(images, 3, axis=1))
    assert any(note.startswith("8 of 9 images are grey, given three") for note in found.notes)


def test_one_deep_image_makes_all_real_numbers(tmp_path: Path) -> None:
    images = make(tmp_path / "train", "cat", "dog")
    deep = pixels(0, ROWS, COLUMNS, dtype=np.uint16)
    put(tmp_path / "test" / "cat" / "0.png", deep)
    found = from_path(tmp_path)
    assert found.x_train.dtype == np.float32
    assert np.array_equal(found.x_train, images.astype(np.float32) / np.float32(255))
    assert "1 of 9 images is of 16 bits: all are read as real numbers" in found.notes


def test_mixed_sizes_need_resize(tmp_path: Path) -> None:
    make(tmp_path, "cat", "dog")
    put(tmp_path / "cat" / "tall.png", np.zeros((30, 20), np.uint8))
    with pytest.raises(DataError) as error:
        from_path(tmp_path)
    said = "cat/tall.png: images of 2 sizes, 6 x 4 (8), 20 x 30 (1) pixels: expected one size"
    assert said in str(error.value)
    assert "resize = 4" in str(error.value)
    found = from_path(tmp_path, resize=5)
    assert found.input_shape == (1, 5, 5)
    assert "images are scaled to 5 x 5 pixels, whatever their shape" in found.notes


def test_turned_images_are_of_the_size_that_is_seen(tmp_path: Path) -> None:
    make(tmp_path, "cat", "dog")
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = np.ascontiguousarray(grey(50).T[::-1])
    put(tmp_path / "cat" / "phone.png", encoded(turned, exif=exif))
    found = from_path(tmp_path)
    assert found.input_shape == (1, ROWS, COLUMNS)
    assert "1 of 9 images is turned upright as their EXIF data say" in found.notes


# The cache


def entries(cache: Path) -> list[Path]:
    return sorted(cache.iterdir())


def test_pixels_are_kept_and_mapped(tmp_path: Path, cache: Path) -> None:
    images = make(tmp_path, "cat", "dog")
    first = from_path(tmp_path)
    (kept,) = entries(cache)
    assert (kept / "pixels").read_bytes() == images.tobytes()
    again = from_path(tmp_path)
    assert again.sha256 == first.sha256 and again.notes == first.notes
    (kept / "pixels").write_bytes(bytes(images.size))  # which shows that it is what is read
    assert not from_path(tmp_path).x_train.any()


def test_a_changed_file_is_decoded_anew(tmp_path: Path, cache: Path) -> None:
    make(tmp_path, "cat", "dog")
    first = from_path(tmp_path)
    changed = put(tmp_path / "cat" / "0.png", grey(80))
    seen = os.stat(changed)
    second = from_path(tmp_path)
    assert second.sha256 != first.sha256 and len(entries(cache)) == 2
    put(changed, grey(81))
    os.utime(changed, ns=(seen.st_atime_ns, seen.st_mtime_ns + 1))
    assert from_path(tmp_path).sha256 not in (first.sha256, second.sha256)
    from_path(tmp_path, resize=2)
    assert len(entries(cache)) == 4


@pytest.mark.parametrize("lost", ["pixels", "about.json"])
def test_a_part_that_is_gone_is_made_again(tmp_path: Path, cache: Path, lost: str) -> None:
    make(tmp_path, "cat", "dog")
    first = from_path(tmp_path)
    (kept,) = entries(cache)
    (kept / lost).write_bytes((kept / lost).read_bytes()[:7])
    assert from_path(tmp_path).sha256 == first.sha256
    assert entries(cache) == [kept]


def test_a_cache_that_cannot_be_written_is_not_needed(tmp_path: Path, cache: Path) -> None:
    make(tmp_path, "cat", "dog")
    expected = from_path(tmp_path)
    blocked = put(cache.parent.parent / "file", b"")
    files = sorted(tmp_path.rglob("*.png"))
    found = read_pictures(files, cache=blocked / "images")
    assert np.array_equal(found.pixels, read_pictures(files).pixels)
    assert not found.pixels.flags.writeable
    assert found.notes[-1].startswith(f"decoded images can't be kept in {blocked}")
    assert expected.notes[:-1] == found.notes[:-1]


def test_several_readers_at_once_see_the_same(tmp_path: Path, cache: Path) -> None:
    images = make(tmp_path, "cat", "dog", n=30)
    files = [tmp_path / name / f"{k}.png" for name in ("cat", "dog") for k in range(30)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: read_pictures(files).pixels, range(4)))
    assert all(np.array_equal(each, images) for each in found)
    assert len(entries(cache)) == 1


def test_what_a_killed_process_left_is_removed(tmp_path: Path, cache: Path) -> None:
    make(tmp_path, "cat", "dog")
    for name in (".old.unfinished", ".new.unfinished"):
        put(cache / name / "pixels", b"\0")
    os.utime(cache / ".old.unfinished", (0, 0))
    from_path(tmp_path)
    assert [each.name for each in entries(cache)[:-1]] == [".new.unfinished"]


def test_how_far_decoding_is_is_told_once(tmp_path: Path, cache: Path) -> None:
    make(tmp_path, "cat", "dog", n=40)
    told: list[tuple[str, int, int]] = []
    for _ in range(2):  # the second time the pixels are there
        from_path(tmp_path, lambda *seen: told.append(seen))
    assert told == [
        (what, done, 80) for what in ("images looked at", "images decoded") for done in (0, 64, 80)
    ]


# The same items from several sources


def test_the_same_items_are_the_same_data_set_whatever_they_lie_in(tmp_path: Path) -> None:
    images = make(tmp_path / "folder", "cat", "dog")
    labels = np.repeat(["cat", "dog"], 4)
    paths = [f"folder/{label}/{k % 4}.png" for k, label in enumerate(labels)]
    np.savez(tmp_path / "arrays.npz", x=images, y=labels)
    table(tmp_path / "paths.csv", "path,label", *map(",".join, zip(paths, labels, strict=True)))
    cells = [{"bytes": (tmp_path / path).read_bytes(), "path": None} for path in paths]
    parquet.write_table(
        pa.table({"image": cells, "label": labels.tolist()}), tmp_path / "cells.parquet"
    )
    sources = "folder", "arrays.npz", "paths.csv", "cells.parquet"
    found = [from_path(tmp_path / source) for source in sources]
    assert len({each.sha256 for each in found}) == 1
    assert {each.kind for each in found} == {"image"}
    assert {each.classes for each in found} == {("cat", "dog")}


def test_the_same_items_leave_the_same_records_whatever_they_lie_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the bit. A trial's name for its data is the file's; here all of them are ``photos``."""
    monkeypatch.chdir(tmp_path)
    images = make(tmp_path / "folder" / "photos", "cat", "dog", n=20)
    labels = np.repeat(["cat", "dog"], 20)
    files = [tmp_path / "folder/photos" / a / f"{k}.png" for a in ("cat", "dog") for k in range(20)]
    order = sorted(range(40), key=lambda k: os.fsencode(files[k]))  # a folder's
    images, files = images[order], [files[k] for k in order]
    for name in ("npz", "csv", "parquet"):
        (tmp_path / name).mkdir()
    np.savez(tmp_path / "npz" / "photos.npz", x=images, y=labels)
    rows = [f"../folder/photos/{file.parent.name}/{file.name},{file.parent.name}" for file in files]
    table(tmp_path / "csv" / "photos.csv", "path,label", *rows)
    cells = [{"bytes": file.read_bytes(), "path": None} for file in files]
    parquet.write_table(
        pa.table({"image": cells, "label": labels.tolist()}), tmp_path / "parquet/photos.parquet"
    )
    sources = "npz/photos.npz", "folder/photos", "csv/photos.csv", "parquet/photos.parquet"
    small: dict[str, Any] = {"rates": [0, 0.5], "replicates": 1, "recipe": {"epochs": 3}}
    found = [
        gigo.sweep(tmp_path / source, model=["linear", "knn"], workers=1, **small, out=str(k))
        for k, source in enumerate(sources)
    ]
    evidence = [
        {
            record.key: (
                record.trial,
                record.status,
                {name: each.tobytes() for name, each in record.predictions.items()},
                {name: each.tobytes() for name, each in record.scores.items()},
                record.measures,
                record.curve,
            )
            for record in result.records
        }
        for result in found
    ]
    assert len(evidence[0]) == 4 and all(each == evidence[0] for each in evidence)


# Tables


def table(path: Path, header: str, *rows: str) -> Path:
    path.write_text("\n".join([header, *rows, ""]))
    return path


@pytest.mark.parametrize("column", ["path", "File", "photo of it"])
def test_a_table_of_paths_is_what_the_folder_is(tmp_path: Path, column: str) -> None:
    make(tmp_path / "data", "cat", "dog")
    rows = [f"data/{kind}/{k}.png,{kind},{k}" for kind in ("cat", "dog") for k in range(4)]
    path = table(tmp_path / "data.csv", f"{column},label,age", *rows)
    found, folder = from_path(path), from_path(tmp_path / "data")
    assert found.sha256 == folder.sha256 and found.kind == "image" and found.name == "data"
    assert found.classes == folder.classes
    assert "not used, since images are the inputs: age" in found.notes
    as_table = from_path(path, kind="table")
    assert as_table.kind == "table"


def test_the_order_of_a_table_is_kept_with_its_groups_and_test_table(tmp_path: Path) -> None:
    images = make(tmp_path / "data", "cat", "dog")
    order = [5, 0, 7, 2, 1, 4]
    rows = [f"data/{'cat' if k < 4 else 'dog'}/{k % 4}.png,{k // 4},{k // 2}" for k in range(8)]
    path = table(tmp_path / "a.csv", "path,label,who", *(rows[k] for k in order))
    test = table(tmp_path / "b.csv", "path,label,who", rows[3], rows[6])
    found = from_path(path, label="label", group="who", test=test)
    assert np.array_equal(found.x_train, images[order])
    assert found.classes == ("0", "1") and found.y_train.tolist() == [k // 4 for k in order]
    assert found.groups is not None and len({*found.groups.tolist()}) == 4
    assert np.array_equal(found.tests["test"][0], images[[3, 6]])


def test_a_path_without_a_file_is_a_bad_image(tmp_path: Path) -> None:
    make(tmp_path, "cat", "dog")
    rows = [f"{kind}/{k}.png,{kind}" for kind in ("cat", "dog") for k in range(5)]
    path = table(tmp_path / "data.csv", "path,label", *rows)
    with pytest.raises(DataError, match=r"cat/4.png: .*and 1 more like it"):
        from_path(path)
    found = from_path(path, skip_bad=True)
    assert found.n_train + found.n_test == 8
    assert any(note.startswith("2 files that can't be read as images are") for note in found.notes)


def test_a_row_without_a_path_is_an_error(tmp_path: Path) -> None:
    make(tmp_path, "cat", "dog")
    rows = ["cat/0.png,cat", ",cat", "dog/0.png,dog"]
    path = table(tmp_path / "data.csv", "path,label", *rows)
    with pytest.raises(DataError, match=r"no path in 1 of 3 rows, the first of them row 1"):
        from_path(path)


def test_labels_of_a_table_may_be_in_a_file(tmp_path: Path) -> None:
    images = make(tmp_path, "cat", "dog")
    rows = [f"{kind}/{k}.png" for kind in ("cat", "dog") for k in range(4)]
    path = table(tmp_path / "data.csv", "path,", *(f"{row}," for row in rows))
    labels = tmp_path / "labels.txt"
    labels.write_text("\n".join(["x", "y"] * 4))
    found = from_path(path, labels=labels)
    assert found.classes == ("x", "y") and found.n_train + found.n_test == len(images)


def test_resize_is_of_no_use_to_a_table_without_images(tmp_path: Path) -> None:
    path = table(tmp_path / "data.csv", "age,label", *(f"{k},{k % 2}" for k in range(10)))
    with pytest.raises(SpecError, match=r"data\.csv names no images"):
        from_path(path, resize=8)
