"""What a study may name as a model, and what makes two models the same."""

from __future__ import annotations

import functools
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from torch import nn

from gigo import models
from gigo.errors import SpecError
from gigo.ref import Ref
from gigo.resolve import resolve
from gigo.study import Study
from gigo.trial import Trial


def trial(model: Any) -> Trial:
    study = Study.create(dataset="digits", size=50, rates=0, replicates=1, model=model)
    return next(iter(resolve(study).trials.values()))


def key(model: Any) -> str:
    return trial(model).key


def piped(**options: Any) -> Any:
    columns = make_column_transformer(
        (StandardScaler(), make_column_selector(dtype_include=np.number)),
        (FunctionTransformer(np.log1p), ["a", "b"]),
    )
    return make_pipeline(columns, LogisticRegression(**options))


SEARCH = GridSearchCV(LogisticRegression(), {"C": [1, 10]}, cv=StratifiedKFold(3))
PAIRS = {
    "object": lambda **options: RandomForestClassifier(20, **options),
    "pipeline": piped,
    "by name": lambda **options: {"name": "sklearn.linear_model:LogisticRegression", **options},
    "class": lambda **options: {"name": LogisticRegression, **options},
}


@pytest.mark.parametrize("make", PAIRS.values(), ids=PAIRS)
def test_what_gigo_sets_itself_is_in_no_key(make: Any) -> None:
    assert key(make()) == key(make()) == key(make(n_jobs=2)) == key(make(random_state=3))
    assert key(make()) != key(make(class_weight="balanced"))
    assert trial(make()).model.label == trial(make(n_jobs=2, random_state=3)).model.label


def test_what_is_in_an_estimator_is_in_its_key() -> None:
    other = GridSearchCV(LogisticRegression(), {"C": [1, 10]}, cv=StratifiedKFold(4))
    assert len({key(SEARCH), key(other), key(piped()), key(piped(C=2))}) == 4
    assert Ref.of(SEARCH) == Ref.of(SEARCH) and not Ref.of(SEARCH).is_passing


def test_a_file_is_its_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    text = "from sklearn.svm import SVC\ndef make(C=1.0):\n    return SVC(C=C)\n"
    (tmp_path / "here.py").write_text(text)
    import here  # pyright: ignore[reportMissingImports] - the test has just written it

    by_file, by_module = f"{tmp_path}/here.py:make", "here:make"
    before = key(by_file), key(by_module), key(here.make)
    assert before == (key(by_file), key(by_module), key(here.make))
    assert key({"name": by_file, "C": 2.0}) != before[0]
    (tmp_path / "here.py").write_text(text.replace("SVC(C=C)", "SVC(C=2 * C)"))
    assert not {*before} & {key(by_file), key(by_module), key(here.make)}
    sys.modules.pop("here")


@pytest.mark.parametrize(
    "thing",
    [
        lambda: LogisticRegression(),
        make_pipeline(FunctionTransformer(lambda x: x), LogisticRegression()),
        functools.partial(lambda C: LogisticRegression(C=C), 2),
    ],
    ids=["lambda", "lambda inside", "partial"],
)
def test_what_has_no_known_content_is_told_apart_each_time(thing: Any) -> None:
    assert Ref.of(thing).is_passing and key(thing) != key(thing)
    named = {"name": thing, "key": "mine"}
    assert key(named) == key(named) and not Ref.of(thing, key="mine").is_passing


def test_models_are_called_differently() -> None:
    forest = RandomForestClassifier(20)
    long = [make_pipeline(StandardScaler(), piped(), LogisticRegression(C=C)) for C in (1.5, 2.5)]
    with pytest.raises(SpecError, match=r"^model = .StandardScaler \+ .*called"):
        trial(long)
    for ref, label in (
        ({"name": forest, "called": "twenty"}, "twenty"),
        ({"name": "forest", "n_estimators": 20, "called": "of gigo's"}, "of gigo's"),
        (forest, "RandomForestClassifier(n_estimators=20)"),
        (make_pipeline(StandardScaler(), LogisticRegression(C=10)),
         "StandardScaler + LogisticRegression(C=10)"),
    ):  # fmt: skip
        assert trial(ref).model.label == label
    assert key({"name": forest, "called": "twenty"}) == key(forest)
    assert all(len(trial(each).model.label) <= 60 for each in (*long, SEARCH))


class Net(nn.Linear):
    def __init__(self, *sizes: Any) -> None:
        shape, n_classes = sizes
        super().__init__(int(np.prod(shape)), n_classes)


def net(input_shape: Any, n_classes: int, bias: bool) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(64, n_classes, bias=bias))


def both(input_shape: Any = (1, 8, 8), n_classes: int = 10) -> nn.Module:
    return net(input_shape, n_classes, True)


class Made:
    def __init__(self, C: float = 1.0, dual: bool = False) -> None:
        self.C = C

    def fit(self, x: Any, y: Any) -> Any:
        return self

    def predict(self, x: Any) -> Any:
        return np.zeros(len(x))


@pytest.mark.parametrize(
    ("thing", "options", "network"),
    [
        (net, {"bias": True}, True),
        (both, {}, True),
        (Net, {}, True),
        (nn.Linear, {"in_features": 3}, False),
        (functools.partial(net, bias=True), {}, True),
        (lambda shape, n: Net(shape, n), {}, True),
        (lambda *sizes: Net(*sizes), {}, False),
        (Made, {}, False),
        (Made(), {}, False),
        (lambda C=1, dual=False: Made(C), {}, False),
        (lambda C: Made(C), {"C": 3}, False),
    ],
)
def test_networks_and_estimators_are_told_apart(thing: Any, options: Any, network: bool) -> None:
    if thing is nn.Linear:  # what is left of its arguments is one
        with pytest.raises(SpecError, match=r"expected \(input_shape, n_classes\) -> nn.Module"):
            models.is_network(thing, options)
    else:
        assert models.is_network(thing, options) == network


class Locked(Made):
    def __init__(self) -> None:
        self.lock = threading.Lock()


@pytest.mark.parametrize(
    ("thing", "said"),
    [
        (nn.Linear(2, 2), "Linear'.*not a network that is built already"),
        (lambda one: one, r"expected .*input_shape, n_classes.*\(this one needs one: "),
        (lambda *, one: one, "expected .*input_shape, n_classes"),
        (lambda shape, n, width: width, "this one needs shape, n, width: .*are options"),
        (
            lambda shape, n: nn.LazyLinear(n + 1),
            r"with 10 logits, one per class of digits: it gives logits of shape \(2, 1, 8, 11\)",
        ),
        (lambda shape, n: None, "with 10 logits.*it gives a NoneType, expected an nn.Module"),
        (dict, "an object with fit and predict, not dict"),
        (LinearRegression(), "a classifier, not a regressor"),
        ("tfidf", "a model for the images of digits, such as"),
        ({"name": LogisticRegression(), "depth": 3}, "can be copied.*Invalid parameter 'depth'"),
        (Locked(), "can be copied per trial .*cannot pickle .*lock"),
        ("sklearn.svm.SVC", "expected sklearn.svm:SVC, with a colon, or one of article_cnn, "),
        ("mine.py", "expected mine.py:NAME, with a colon, or one of "),
    ],
)
def test_what_is_no_model_is_refused_in_one_line(thing: Any, said: str) -> None:
    with pytest.raises(SpecError, match=f"^model = .*{said}") as caught:
        trial(thing)
    assert "\n" not in str(caught.value)


def test_an_object_without_parameters_is_copied() -> None:
    mine = Made(2.0)
    make = models.estimator(mine, {})
    assert make() is not mine and make().C == 2.0


@pytest.mark.parametrize(
    ("thing", "option", "meant"),
    [(net, "bais", "bias"), (Made, "dua", "dual"),
     ("sklearn.ensemble:RandomForestClassifier", "n_estimator", "n_estimators")],
)  # fmt: skip
def test_an_option_that_a_model_does_not_take_is_refused(
    thing: Any, option: str, meant: str
) -> None:
    said = f"^model.* = {option!r}: expected one of .*did you mean {meant!r}"
    with pytest.raises(SpecError, match=said):
        trial({"name": thing, option: 1})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With two files; packages are as if they were not installed."""
    (tmp_path / "mine.py").write_text("def network(input_shape, n_classes): ...\n")
    (tmp_path / "deep.py").write_text("import keras\n")
    monkeypatch.setitem(sys.modules, "xgboost", None)
    monkeypatch.setitem(sys.modules, "keras", None)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("sklearn.ensemble:RandomForestClasifier",
         "a name in sklearn.ensemble (did you mean 'RandomForestClassifier'?)"),
        ("sklearn.ensembel:RandomForestClassifier",
         "there is no sklearn.ensembel (did you mean 'sklearn.ensemble'?)"),
        ("sklern.ensemble:SVC", "there is no sklern (did you mean 'sklearn'?)"),
        ("xgbost:XGBClassifier", "there is no xgbost (did you mean 'xgboost'?)"),
        ("xgboost:XGBClassifier", "an installed module: pip install xgboost"),
        ("nobody_has_this:net", "there is no nobody_has_this"),
        ("deep.py:net", "can be imported (ModuleNotFoundError: {halted}: pip install keras)"),
        ("min.py:network", "a Python file in {folder} (did you mean 'mine.py'?)"),
        ("mine.py:netwrk", "a name in mine.py (did you mean 'network'?)"),
        ("mine:network", "a module; what is in a file is named mine.py:name"),
        ("sklearn.ensemble:", "a name in sklearn.ensemble"),
    ],
)  # fmt: skip
def test_what_can_t_be_imported_is_told_in_one_line(folder: Path, name: str, said: str) -> None:
    halted = "import of keras halted; None in sys.modules"
    with pytest.raises(SpecError) as caught:
        Ref(name=name).load("model")
    message = str(caught.value)
    assert message.startswith(f"model = {name!r}: expected ") and "\n" not in message
    assert message.endswith(said.format(folder=folder, halted=halted))
