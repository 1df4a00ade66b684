"""Corruptions of images and backdoors: exact, nested, by their published definitions."""

from __future__ import annotations

from colorsys import hsv_to_rgb, rgb_to_hsv
from dataclasses import replace
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy import stats
from scipy.ndimage import gaussian_filter
from sklearn.linear_model import LogisticRegression

from gigo.corruptions import CATALOGUE
from gigo.corruptions.backdoor import ENTRIES as BACKDOORS
from gigo.corruptions.images import ENTRIES as IMAGES
from gigo.corruptions.images import VALUES
from gigo.datasets import load
from gigo.edited import Edited, taken
from gigo.errors import DataError, SpecError
from gigo.ref import Ref
from gigo.resolve import corruption
from gigo.rng import Stream
from gigo.schedule import KEEP, Schedule
from gigo.types import Dataset

NAMES = [*IMAGES, *BACKDOORS]
SEVERITIES = st.sampled_from([1, 2, 3, 4, 5, "random", None])
TRIGGERS: list[dict[str, Any]] = [
    {},
    {"pattern": "blend", "target": "class 1"},
    {"labels": "clean", "size": 3},
    {"source": 1, "opacity": 0.5},
]


def make_dataset(
    n: int, shape: tuple[int, ...] = (1, 8, 8), dtype: Any = np.uint8, n_classes: int = 3
) -> Dataset:
    """Images at random, read-only; the last class has one training item."""
    rng = np.random.default_rng(n)
    x = rng.integers(0, 256, (n + 6, *shape)).astype(np.uint8)
    x = x if dtype == np.uint8 else (x / 255).astype(dtype)
    y = np.concatenate(
        [np.arange(n - 1) % (n_classes - 1), [n_classes - 1], np.arange(6) % n_classes]
    )
    for array in (x, y):
        array.flags.writeable = False
    names = tuple(f"class {k}" for k in range(n_classes))
    tests = {"test": (x[n:], y[n:])}
    return Dataset("made up", x[:n], y[:n], tests, names, "image", "", "")


def schedule_of(
    name: str, dataset: Dataset, items: Any = None, seed: int = 0, **options: Any
) -> Schedule:
    items = np.arange(dataset.n_train) if items is None else items
    return CATALOGUE[name].function(dataset, items, Stream(seed, 0, "corruption"), **options)


def made(schedule: Schedule, k: int | None = None) -> np.ndarray:
    """The images of the first k edits, or of all."""
    rows: Any = schedule.extra
    return rows(len(schedule.item) if k is None else k)


def one(name: str, image: np.ndarray, severity: int, **options: Any) -> np.ndarray:
    """What becomes of one image (channels, height, width)."""
    dataset = make_dataset(3, image.shape, image.dtype)
    image = image[None].repeat(3, axis=0)
    dataset = replace(dataset, x_train=image)
    return made(schedule_of(name, dataset, severity=severity, **options), 1)[0]


def picture(shape: tuple[int, ...], dtype: Any = np.float32) -> np.ndarray:
    """A smooth one, with colours."""
    c, h, w = np.indices(shape)
    x = (np.sin(h / 3 + c) + np.cos(w / 4 - c) + 2) / 4
    return np.rint(255 * x).astype(np.uint8) if dtype == np.uint8 else x.astype(dtype)


# Exact and nested


@pytest.mark.parametrize("name", NAMES)
@given(
    n=st.integers(2, 40),
    shape=st.sampled_from([(1, 8, 8), (3, 9, 12), (3, 48, 16)]),
    dtype=st.sampled_from([np.uint8, np.float32]),
    severity=SEVERITIES,
    options=st.sampled_from(TRIGGERS),
    seed=st.integers(0, 2**32),
    k=st.integers(0, 40),
)
@settings(max_examples=25)
def test_edits_are_exact_and_nested(
    name: str, n: int, shape: Any, dtype: Any, severity: Any, options: Any, seed: int, k: int
) -> None:
    dataset = make_dataset(n, shape, dtype)
    before = dataset.x_train.copy()
    options = options if name == "trigger" else {"severity": severity}
    items = np.arange(n)[:: 1 + (n > 3)]  # they need not be all
    true = dataset.y_train[items]
    schedule = schedule_of(name, dataset, items, seed, **options)
    m = len(schedule.item)
    whole, first = made(schedule), made(schedule, min(k, m))
    assert whole.shape == (m, *shape)
    assert whole.dtype == first.dtype == dtype
    assert whole.size == 0 or 0 <= whole.min() <= whole.max() <= (255 if dtype == np.uint8 else 1)
    assert (whole[: len(first)] == first).all()
    assert (made(schedule_of(name, dataset, items, seed, **options)) == whole).all()
    assert len({*schedule.item.tolist()}) == m
    if name == "trigger":
        target = 1 if options.get("target") else 0
        clean, source = options.get("labels") == "clean", options.get("source")
        may = true == target if clean else true != target if source is None else true == source
        assert sorted(schedule.item.tolist()) == np.flatnonzero(may).tolist()
        assert (schedule.label == (KEEP if clean else target)).all()
    else:
        assert m == len(items)
        assert (schedule.label == KEEP).all()
    edited = Edited.begin(dataset, items).edit(schedule, len(first), "more", first)
    inputs = taken(dataset.x_train, edited.extras, edited.rows)
    touched = schedule.item[: len(first)]
    assert (inputs[touched] == first).all()
    others = np.setdiff1d(np.arange(len(items)), touched)
    assert (inputs[others] == dataset.x_train[items[others]]).all()
    assert (dataset.x_train == before).all()


@pytest.mark.parametrize("name", NAMES)
def test_another_replicate_is_another_draw(name: str) -> None:
    dataset = make_dataset(60)
    function, items = CATALOGUE[name].function, np.arange(60)
    one, other = (function(dataset, items, Stream(0, r, "corruption")) for r in (0, 1))
    assert one.item.tolist() != other.item.tolist()
    # The same item in both: what is drawn for it differs, what is not is the same.
    both = [made(each)[np.argsort(each.item)] for each in (one, other)]
    assert (both[0] == both[1]).all() == (name not in ("gaussian_noise", "occlusion"))


def test_large_images_are_made_in_parts() -> None:
    """Two at a time here: each still gets its own change, whatever the part that it is in."""
    dataset = make_dataset(5, (3, 512, 512))
    assert 2 * dataset.x_train[0].size <= VALUES < 3 * dataset.x_train[0].size
    for name in ("contrast", "trigger"):  # the same for an image, whichever edit it is
        schedule = schedule_of(name, dataset)
        whole = made(schedule)
        for j, item in enumerate(schedule.item):
            alone = schedule_of(name, dataset, np.array([item]))
            assert (made(alone)[0] == whole[j]).all()
    schedule = schedule_of("gaussian_noise", dataset)
    whole = made(schedule)
    assert (made(schedule, 3) == whole[:3]).all()
    noise = (whole.astype(int) - dataset.x_train[schedule.item]).reshape(5, -1)
    assert abs(np.corrcoef(noise) - np.eye(5)).max() < 0.01


# Published definitions


@pytest.mark.parametrize(
    ("side", "sd"), [(32, (0.04, 0.08, 0.1)), (64, (0.04, 0.12, 0.18)), (128, (0.08, 0.18, 0.38))]
)
def test_noise_is_normal_with_the_published_deviation(side: int, sd: tuple[float, ...]) -> None:
    grey = np.full((1, side, side), 0.5, np.float32)
    for severity, expected in zip((1, 3, 5), sd, strict=True):
        noise = (one("gaussian_noise", grey, severity).ravel() - 0.5).astype(np.float64)
        inside = noise[abs(noise) < 0.4999]
        cut = stats.truncnorm(-0.5 / expected, 0.5 / expected, scale=expected)
        assert stats.kstest(inside, cut.cdf).pvalue > 1e-4


@pytest.mark.parametrize(("side", "sigma"), [(32, 1), (64, 1.5), (128, 6)])
def test_blur_is_a_gaussian_of_the_published_width(side: int, sigma: float) -> None:
    image = picture((3, side, side))
    expected = [gaussian_filter(each, sigma, mode="nearest") for each in image]
    assert np.allclose(one("blur", image, 5), expected, atol=1e-6)


@pytest.mark.parametrize(("side", "more"), [(8, 0.15), (64, 0.3), (128, 0.3)])
def test_brightness_adds_to_the_value_of_hsv(side: int, more: float) -> None:
    image = picture((3, side, side))
    image[:, 0, 0] = 0
    found = one("brightness", image, 3)
    for i, j in [(0, 0), (1, 2), (5, 7), (7, 3)]:
        hue, saturation, value = rgb_to_hsv(*image[:, i, j].tolist())
        expected = hsv_to_rgb(hue, saturation, min(value + more, 1))
        assert np.allclose(found[:, i, j], expected, atol=1e-6)


@pytest.mark.parametrize(("side", "factor"), [(8, 0.4), (64, 0.2), (128, 0.2)])
def test_contrast_shrinks_towards_the_mean_of_a_channel(side: int, factor: float) -> None:
    image = picture((2, side, side))
    found, mean = one("contrast", image, 3), image.mean(axis=(1, 2), keepdims=True)
    assert np.allclose(found, mean + factor * (image - mean), atol=1e-6)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("side", "quality"), [(8, 40), (64, 25), (128, 7)])
def test_jpeg_has_the_published_quality(channels: int, side: int, quality: int) -> None:
    image = picture((channels, side, side), np.uint8)
    file = BytesIO()
    Image.fromarray(image.transpose(1, 2, 0).squeeze()).save(file, "JPEG", quality=quality)
    expected = np.atleast_3d(np.asarray(Image.open(file))).transpose(2, 0, 1)
    assert (one("jpeg", image, 5) == expected).all()


@pytest.mark.parametrize(("severity", "side"), [(1, 8), (3, 16), (5, 24)])
def test_occlusion_covers_a_square_anywhere_alike(severity: int, side: int) -> None:
    n = 2000
    image = picture((3, 32, 32))
    dataset = make_dataset(n, (1, 1, 1))
    dataset = replace(dataset, x_train=np.broadcast_to(image, (n, 3, 32, 32)))
    found = made(schedule_of("occlusion", dataset, severity=severity))
    covered = (found != image).any(axis=1)
    top, left = covered.any(axis=2).argmax(axis=1), covered.any(axis=1).argmax(axis=1)
    i = np.arange(32)
    inside = [(i >= at[:, None]) & (i < at[:, None] + side) for at in (top, left)]
    inside = inside[0][:, :, None] & inside[1][:, None, :]
    assert (covered == inside).all()
    mean = np.broadcast_to(image.mean(axis=(1, 2))[:, None, None, None], (3, *covered.shape))
    assert np.allclose(found.transpose(1, 0, 2, 3)[:, inside], mean[:, inside], atol=1e-6)
    places = np.bincount(top * (33 - side) + left, minlength=(33 - side) ** 2)
    assert stats.chisquare(places).pvalue > 1e-4


def test_severity_is_alike_or_another_one_per_item() -> None:
    dataset = make_dataset(3000, (1, 4, 4), np.float32)
    alike = {s: made(schedule_of("contrast", dataset, severity=s)) for s in (1, 2, 3, 4, 5)}
    mixed = made(schedule_of("contrast", dataset, severity="random"))
    same = np.array([(mixed == each).all(axis=(1, 2, 3)) for each in alike.values()])
    assert (same.sum(axis=0) == 1).all()
    assert stats.chisquare(same.sum(axis=1)).pvalue > 1e-4
    assert (made(schedule_of("contrast", dataset)) == alike[3]).all()


@pytest.mark.parametrize("name", IMAGES)
def test_higher_severities_change_more(name: str) -> None:
    dataset = load("digits")
    items = np.arange(200)
    changes: list[float] = []
    for severity in (1, 2, 3, 4, 5):
        schedule = schedule_of(name, dataset, items, severity=severity)
        changes.append(float(abs(made(schedule) - dataset.x_train[schedule.item]).mean()))
    assert changes[0] > 0
    assert changes == sorted(changes)


# Backdoors


@pytest.mark.parametrize(("side", "size"), [(8, 2), (28, 3), (64, 6), (1, 1)])
def test_the_patch_is_a_checkerboard_in_the_corner(side: int, size: int) -> None:
    dataset = make_dataset(5, (3, side, side))
    schedule = schedule_of("trigger", dataset)
    marked = made(schedule)
    board = np.indices((size, size)).sum(axis=0) % 2 == 0
    assert (marked[:, :, -size:, -size:] == 255 * board).all()
    marked[:, :, -size:, -size:] = 0
    plain = dataset.x_train[schedule.item].copy()
    plain[:, :, -size:, -size:] = 0
    assert (marked == plain).all()


def test_a_blend_is_the_same_image_whatever_the_seed() -> None:
    dataset = make_dataset(40, (3, 9, 12), np.float32)
    patterns: list[np.ndarray] = []
    for seed in (0, 1):
        schedule = schedule_of("trigger", dataset, seed=seed, pattern="blend")
        patterns.append((made(schedule) - 0.8 * dataset.x_train[schedule.item]) / 0.2)
    pattern = patterns[0][0]
    assert all(np.allclose(each, pattern, atol=1e-5) for each in patterns)
    assert stats.kstest(pattern.ravel(), "uniform").pvalue > 1e-4
    opaque = schedule_of("trigger", dataset, pattern="blend", opacity=1, size=4)
    assert np.allclose(made(opaque)[:, :, -4:, -4:], pattern[:, -4:, -4:], atol=1e-5)


def test_probes_are_of_the_classes_attacked() -> None:
    dataset = load("digits")
    x, y = dataset.tests["test"]
    any_class, items = schedule_of("trigger", dataset, target=4), np.arange(9)
    ((attacked, labels),) = any_class.probes.values()
    assert (labels == 4).all()
    assert len(labels) == (y != 4).sum() == len(attacked)
    assert (attacked[:, :, :-2] == x[y != 4][:, :, :-2]).all()
    assert (attacked[:, 0, -1, -1] == 1).all()
    empty = {"test": (dataset.x_train[:0], dataset.y_train[:0])}
    assert not schedule_of("trigger", replace(dataset, tests=empty), target=4).probes
    one_class = schedule_of("trigger", dataset, items, seed=7, target=4, source=9)
    assert [*one_class.probes] == ["attack", "source"]
    assert (dataset.y_train[items[one_class.item]] == 9).all()
    assert len(one_class.probes["attack"][1]) == (y == 9).sum()
    assert (one_class.probes["source"][0] == x[y == 9]).all()
    assert (one_class.probes["source"][1] == 9).all()


def success(rate: float, **options: Any) -> tuple[float, float]:
    """Of a linear model on digits: attack success rate, accuracy on the test set."""
    dataset = load("digits")
    schedule = schedule_of("trigger", dataset, **options)
    k = schedule.n_edits(rate, dataset.n_train)
    given = Edited.begin(dataset, np.arange(dataset.n_train))
    edited = given.edit(schedule, k, "trigger", made(schedule, k))
    x = taken(dataset.x_train, edited.extras, edited.rows)
    model = LogisticRegression(max_iter=300).fit(x.reshape(len(x), -1), edited.labels)
    tests = schedule.probes["attack"], dataset.tests["test"]
    attack, plain = (model.score(x.reshape(len(x), -1), y) for x, y in tests)
    return attack, plain


def test_a_backdoor_opens_at_five_percent_and_not_at_none() -> None:
    attack, before = success(0)
    assert attack < 0.1
    attack, after = success(0.05)
    assert attack > 0.9
    assert after > before - 0.02


def test_the_rate_is_capped_by_the_items_that_may_be_marked() -> None:
    dataset = make_dataset(101)  # 50, 50 and 1 of the classes
    clean = schedule_of("trigger", dataset, labels="clean", target=2)
    with pytest.raises(SpecError, match=r"at most 0\.9901 %: the corruption can do 1 edits"):
        clean.n_edits(0.1, 101)
    assert len(schedule_of("trigger", dataset, target=2).item) == 100


# Errors


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("blur", {"severity": 6}, 'corruption.blur.severity = 6: expected 1 to 5, or "random"'),
        ("jpeg", {"severity": 2.0}, "corruption.jpeg.severity = 2.0: expected 1 to 5"),
        ("contrast", {"severity": True}, "corruption.contrast.severity = True: expected 1 to 5"),
        ("trigger", {"pattern": "star"}, "corruption.trigger.pattern = 'star': expected patch or"),
        ("trigger", {"labels": "none"}, "corruption.trigger.labels = 'none': expected dirty or"),
        ("trigger", {"target": "fox"}, "corruption.trigger.target = 'fox': expected classes of"),
        ("trigger", {"target": 1, "source": 1}, "corruption.trigger.source = 1: expected another"),
        ("trigger", {"labels": "clean", "source": 1}, "expected none with clean labels"),
        ("trigger", {"size": 9}, "corruption.trigger.size = 9: expected 1 to 8 pixels"),
        ("trigger", {"opacity": 0}, "corruption.trigger.opacity = 0: expected a number above 0"),
    ],
)
def test_options_that_make_no_sense(name: str, options: dict[str, Any], said: str) -> None:
    with pytest.raises(SpecError) as error:
        schedule_of(name, make_dataset(4), **options)
    assert said in str(error.value)


@pytest.mark.parametrize("name", NAMES)
def test_data_that_are_no_images_are_refused(name: str) -> None:
    dataset = make_dataset(4)
    texts = replace(dataset, kind="text", x_train=["a"] * 4)
    with pytest.raises(SpecError, match=f"expected images, which {name} corrupts"):
        schedule_of(name, texts)
    scaled = replace(dataset, x_train=dataset.x_train.astype(np.float32))
    with pytest.raises(DataError, match=f"values .* to 25.: {name} expects 0 to 1"):
        made(schedule_of(name, scaled))


def test_jpeg_has_one_channel_or_three() -> None:
    with pytest.raises(SpecError, match="1 or 3 channels for jpeg: it has 4"):
        schedule_of("jpeg", make_dataset(4, (4, 8, 8)))


@pytest.mark.parametrize("severity", [2, "random"])
def test_a_study_takes_a_number_or_random(severity: Any) -> None:
    known = corruption(Ref.model_validate({"name": "blur", "severity": severity}))
    assert known.inputs
    assert not known.resizes
    assert not known.probed
    assert corruption(Ref(name="trigger")).probed
