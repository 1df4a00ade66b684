"""What a study calls a corruption, alone and after others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from inspect import signature
from pathlib import Path
from typing import Any, get_args

from gigo import corruptions, datasets
from gigo.corruptions import relabel
from gigo.entries import CorruptionEntry
from gigo.errors import SpecError
from gigo.ref import Ref, as_ref, canonical
from gigo.resolve.data import card_of
from gigo.resolve.named import named
from gigo.study import Study
from gigo.types import Card, Corruption, Dataset, Placement, RateOf, Watch, silent


def corruptions_of(study: Study, data_dir: Path | None, watch: Watch) -> tuple[Corruption, ...]:
    """The kinds of a study, each after the corruptions that have a rate of their own."""
    if not study.kinds:
        expected = "one without a rate of its own, whose rate is the axis"
        raise SpecError("corruption", [ref.label for ref in study.first], expected)
    known = partial(corruption, placement=study.placement, data_dir=data_dir, watch=watch)
    before = tuple((known(ref.without("rate")), own_rate(ref)) for ref in study.first)
    kinds = map(known, study.kinds)
    return tuple(dict.fromkeys(_after(before, kind) for kind in kinds))


def own_rate(ref: Ref) -> float:
    """The rate of a corruption that has one of its own, to 9 decimals."""
    rate, field = ref.options["rate"], f"corruption.{ref.name}.rate"
    if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 < rate <= 1:
        raise SpecError(field, rate, "a number above 0, at most 1")
    return round(float(rate), 9)


def _after(before: tuple[tuple[Corruption, float], ...], kind: Corruption) -> Corruption:
    """A corruption that comes after others, each with its rate."""
    if not before:
        return kind
    first = " and ".join(f"{each.label} {100 * rate:.4g} %" for each, rate in before)
    parts = [kind, *(each for each, _ in before)]
    after = [{**each.to_json(), "rate": rate} for each, rate in before]
    return replace(
        kind,
        label=f"{kind.label} after {first}",
        identity=canonical({**kind.to_json(), "after": after}),
        before=before,
        first=first,
        probed=any(each.probed for each in parts),
        inputs=any(each.inputs for each in parts),
        resizes=any(each.resizes for each in parts),
    )


EDITED = {
    "labels": "wrong labels",
    "sets": "corrupted items",
    **dict.fromkeys(("images", "tables", "texts"), "corrupted inputs"),
    "backdoor": "poisoned items",
}
"""What sentences call that which a corruption makes, by its family."""


def _edited(entry: CorruptionEntry | None, ref: Ref, rate_of: RateOf) -> str:
    """What sentences call it; some labels that were chosen may stay right."""
    if rate_of == "added":
        return "added items"
    if entry is None:
        return EDITED["sets"]
    if entry.resizes:
        return "missing items"
    some_right = not {"include_true", "T"}.isdisjoint(ref.options)
    return "corrupted labels" if some_right else EDITED[entry.family]


def corruption(
    ref: Ref,
    placement: Placement = "random",
    data_dir: Path | None = None,
    watch: Watch = silent,
) -> Corruption:
    """What a ref to a corruption means, a rate of its own aside; raises SpecError, DataError.

    A function of the user's that gives a schedule may say by attributes what it does: ``probes``,
    names of the test sets that it brings; ``rate_of``, see `gigo.schedule.Schedule`.

    >>> known = corruption(Ref(name="symmetric", include_true=True))
    >>> known.label, known.matrix(2).tolist()
    ('symmetric include_true=True', [[0.5, 0.5], [0.5, 0.5]])
    """
    if ref.is_catalogued:  # a file has no numbers as keys: it is to be the same corruption
        options = {name: _keyed_by_text(value) for name, value in ref.options.items()}
        ref = Ref.model_validate({"name": ref.name, **options})
    ref, source = _open_set(ref, data_dir, watch)
    function, options, chosen = named("corruption", ref, corruptions.CATALOGUE)
    bound, label, identity = _bound(function, options, chosen, source)
    entry = corruptions.CATALOGUE[chosen.name] if chosen.is_catalogued else None
    rate_of: RateOf = entry.rate_of if entry else getattr(function, "rate_of", "set")
    if rate_of not in get_args(RateOf):
        raise SpecError("corruption, its rate_of", rate_of, f"one of {', '.join(get_args(RateOf))}")
    if next(iter(signature(function).parameters)) == "n_classes":
        if placement != "random":
            identity["placement"] = placement
        value = partial(relabel, destinations=bound, placement=placement, rate_of=rate_of)
        edited = _edited(entry, chosen, rate_of) if entry else EDITED["labels"]
        return Corruption(
            label, canonical(identity), value, rate_of=rate_of, edited=edited, matrix=bound
        )
    if placement != "random":
        expected = f"random: {label} has an order of its own"
        raise SpecError("placement", placement, expected)
    return Corruption(
        label,
        canonical(identity),
        bound,
        probed=bool(entry.probes if entry else getattr(function, "probes", ())),
        rate_of=rate_of,
        edited=_edited(entry, chosen, rate_of),
        kinds=entry.kinds if entry else (),
        inputs=entry is None or entry.family != "labels",
        resizes=entry is None or entry.resizes,
        training_only=entry is not None and entry.training_only,
        gaps=entry is not None and entry.gaps,
    )


def _bound(
    function: Callable[..., Any], options: Mapping[str, Any], chosen: Ref, source: Card | None
) -> tuple[Callable[..., Any], str, dict[str, Any]]:
    """A corruption with its options, what tables call it, and its identity.

    Files and other data sets count by what is in them, wherever they lie.
    """
    bound, identity = partial(function, **options), chosen.identity
    if source:
        return (
            partial(bound, source=source.load),
            chosen.short_label,
            {**identity, "source": source.sha256},
        )
    if _asks(function, "read"):
        path, sha256 = datasets.label_file(f"corruption.{chosen.name}.file", options.get("file"))
        read = partial(datasets.second_labels, sha256=sha256)
        label = chosen.model_copy(update={"file": path.name}).short_label
        return partial(bound, file=str(path), read=read), label, {**identity, "file": sha256}
    return bound, chosen.short_label if chosen.is_catalogued else chosen.label, identity


def _asks(function: Callable[..., Any], name: str) -> bool:
    """Whether a function has a parameter without a default for something that gigo gives it."""
    asked = signature(function).parameters.get(name)
    return asked is not None and asked.default is asked.empty


def _open_set(ref: Ref, data_dir: Path | None, watch: Watch) -> tuple[Ref, Card | None]:
    """A ref to a corruption, which says what another data set is called, and that data set."""
    value = ref.options.get("source", "noise")
    if not ref.is_catalogued or ref.name != "open_set" or value == "noise":
        return ref, None
    field = "corruption.open_set.source"
    try:
        card = card_of(as_ref(field, value), data_dir, watch)
    except SpecError as error:
        if error.field != "dataset":
            raise
        raise SpecError(field, error.value, f"noise, or {error.expected}") from None
    return Ref.model_validate({"name": ref.name, **ref.options, "source": card.name}), card


def _keyed_by_text(value: Any) -> Any:
    """A table as a file would have it, in the order of its keys; other values as they are."""
    if not isinstance(value, Mapping):
        return value
    table: Mapping[Any, Any] = value
    return dict(sorted((str(key), each) for key, each in table.items()))


def check_kind(kind: Corruption, card: Card | Dataset) -> None:
    """Raise SpecError where a corruption is for other inputs than a data set has."""
    if kind.kinds and card.kind not in kind.kinds:
        wanted = " or ".join(f"{each}s" for each in kind.kinds)
        own = "a table" if card.kind == "table" else f"{card.kind}s"
        expected = f"{wanted}, which {card.name} has not (its inputs are {own})"
        raise SpecError("corruption", kind.label, expected)
