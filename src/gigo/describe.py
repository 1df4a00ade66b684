"""What a plan, a run and a catalogue are, in plain text."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gigo import cache, studies
from gigo.errors import unknown
from gigo.printable import duration
from gigo.recipe import RECIPES, Auto, Recipe, worked_out
from gigo.records import Status
from gigo.store import Store
from gigo.study import Study
from gigo.types import Card, Corruption

if TYPE_CHECKING:
    from gigo.runner.prepare import Prepared
    from gigo.runner.stacks import Job


MOST = 6
"""Classes of a data set that a plan counts."""

LOST: dict[str, Status] = {"failed": "failed", "timed out": "timed_out"}
"""The statuses of trials that left no model, by what they are called."""


def plan(study: Study, path: Path, found: Prepared, search: str = "") -> str:
    """What running a study in a folder would do.

    Args:
        study: to run.
        path: its folder; trials that it holds already are not planned again.
        found: what `gigo.runner.plan` says of them.
        search: what a search that goes on from there would cost.
    """
    from gigo.features import needed, told

    how, count = found.plan, len(found.pending)
    data = max((trial.dataset.n_bytes for trial in found.pending), default=0)
    again = f", {found.retried} that failed to train again" if found.retried else ""
    jobs: dict[str, list[Job]] = {"network": [], "estimator": []}
    for job in found.jobs:
        jobs[job.trials[0].model.trainer].append(job)
    threads = f"{how.threads} thread{'s' if how.threads > 1 else ''}"
    rows = {
        "trials": f"{found.total}, {found.total - count} of them done{again}",
        "stacks": _cut(jobs["network"], "model"),
        "jobs": _cut(jobs["estimator"], "fit"),
        "checkpoints": f"{found.resumed} to go on from, {len(found.damaged)} damaged",
        "processes": f"{how.processes} at a time, {threads} each",
        "memory": f"at most about {how.memory / 2**30:.1f} GiB, PyTorch's included, and "
        f"{how.processes + 1} copies of the data, {_size(data)} each",
        "time": f"very roughly {duration(max(how.seconds, 1.0))}",
    }
    kinds = dict.fromkeys(trial.corruption for trial in found.pending)
    if unusual := _shares([kind for kind in kinds if kind and kind.label]):
        rows["rates"] = unusual
    if any(trial.model.trainer == "estimator" for trial in found.pending):
        rows["time"] = "not known before the first fits: nobody can tell what an estimator takes"
    recipes = worked_out((t.dataset.name, t.size, t.recipe) for t in found.pending)
    if recipes:
        rows["recipe"] = "; ".join(f"{name}: {told}" for name, told in recipes.items())
    if made := needed(found.pending).values():
        rows["features"] = "; ".join(told(card, features) for card, features in made)
    if not found.resumed and not found.damaged:
        del rows["checkpoints"]
    if not count:
        rows = {"trials": rows["trials"]}
    if search:
        rows["search"] = search
    cards = dict.fromkeys(trial.dataset for trial in found.pending)
    told_data = [row for card in cards for row in _data(card)]
    head = ("study", f"{study.name}  {study.summary}"), ("run", f"{path}")
    return _aligned([*head, *told_data, *((name, row) for name, row in rows.items() if row)])


def _cut(jobs: Sequence[Job], noun: str) -> str:
    """Into how many pieces work is cut, and how long they are: ``3 (1 of 2 fits, 2 of 4 fits)``."""
    widths = Counter(len(job.trials) for job in jobs)
    each = (f"{n} of {width} {noun}{'s' * (width > 1)}" for width, n in sorted(widths.items()))
    return f"{len(jobs)} ({', '.join(each)})" if jobs else ""


def _data(card: Card) -> Iterator[tuple[str, str]]:
    """What is in a data set; of one of the user's own the classes too, and what is to be said."""
    import numpy as np

    from gigo.resolve import in_memory

    yield "data", f"{card.name}: {card.described}"
    dataset = in_memory(card)
    if dataset is None:
        return
    counts = np.bincount(dataset.y_train, minlength=card.n_classes).tolist()
    shown = [f"{name} ({n:,})" for name, n in zip(dataset.classes, counts, strict=True)]
    more = f" and {len(shown) - MOST} more" if len(shown) > MOST else ""
    yield "classes", f"{', '.join(shown[:MOST])}{more}, of the training items"
    for note in dataset.notes:
        yield "note", note


def status(path: Path) -> str:
    """How far a run is, and how to go on."""
    path = Path(os.path.expanduser(path))
    parts: dict[str, set[str]] = {}  # a study that was widened is one
    with Store.open(path) as store:
        statuses, precision = store.statuses(), store.precision
        done, states = statuses.keys(), Counter(statuses.values())
        for grid in store.grids:
            parts.setdefault(grid.study.name, set()).update(grid.keys)
    trials = set[str]().union(*parts.values())
    missing = len(trials - done)
    place = shlex.quote(str(path))
    begun = ", ".join(name for name, keys in parts.items() if keys - done)
    of = f" of {begun}" if len(parts) > 1 else ""
    shares = [f"{name} ({len(keys & done)} of {len(keys)})" for name, keys in parts.items()]
    lost = {name: states[status] for name, status in LOST.items() if states[status]}
    again = f"the same gigo run{of} with --out {place} --retry failed"
    rows = {
        "run": f"{path}",
        "study": ", ".join(parts if len(parts) == 1 else shares),
        "precision": precision,
        "trials": f"{len(trials) - missing} of {len(trials)} done",
        "never started": f"{states['never_started']}",
        "diverged": f"{states['diverged']}",
        **{name: f"{count}" for name, count in lost.items()},
        **({"why": f"gigo table {place}", "again": again} if lost else {}),
        "next": f"the same gigo run{of} with --out {place} trains the other {missing}"
        if missing
        else f"gigo report {place}",
    }
    return _aligned(rows)


AUTO = (
    "patches for images (on a GPU article_cnn, or small_cnn below 24x24), boosting for tables, "
    "tfidf for texts, logistic for vectors"
)
"""What ``model = "auto"`` means."""


def catalogue(what: str) -> str:
    """The names of one kind of thing with a line on each.

    Args:
        what: ``datasets``, ``corruptions``, ``models``, ``recipes`` or ``studies``.

    Raises:
        SpecError: none of these.
    """
    line = {"datasets": _card, "corruptions": _corruption, "models": _entry, "recipes": _recipe}
    if what == "studies":
        return _aligned({name: studies.find(name).summary for name in studies.names()})
    if what not in line:
        raise unknown("what", what, [*line, "studies"])
    first = {"auto": AUTO} if what == "models" else {}
    rows = first | {name: line[what](entry) for name, entry in _named(what).items()}
    if what != "corruptions":
        return _aligned(rows)
    families: dict[str, list[tuple[str, str]]] = {}
    for name, entry in _named(what).items():
        families.setdefault(entry.family, []).append((name, rows[name]))
    left = max(map(len, rows))
    return "\n\n".join(f"{name}\n{_aligned(some, left)}" for name, some in families.items())


def _named(what: str) -> Mapping[str, Any]:
    """What can be named of one kind; the others, which are slow to import, are left alone."""
    return RECIPES if what == "recipes" else import_module(f"gigo.{what}").CATALOGUE


def catalogues() -> str:
    """All that can be named, kind by kind."""
    kinds = ("datasets", "corruptions", "models", "recipes", "studies")
    return "\n\n".join(f"{kind}\n{catalogue(kind)}" for kind in kinds)


def cached() -> str:
    """What gigo's cache holds, and where it is."""
    rows = {kind: f"{_size(cache.size(kind))}  {what}" for kind, what in KEPT.items()}
    return _aligned({"folder": f"{cache.home()}", **rows})


KEPT = cache.MADE | cache.FETCHED
"""What gigo's cache holds."""


def cleared() -> str:
    """What is left of gigo's cache, and that what can be made again was removed."""
    return f"{_size(cache.clear())} removed; downloaded data sets stay\n{cached()}"


def _size(count: int) -> str:
    """Bytes for people: 35 MiB, 1.2 GiB."""
    if not count:
        return "nothing"
    if count < 2**30:
        return f"{max(1, round(count / 2**20))} MiB"
    return f"{count / 2**30:.1f} GiB"


def _card(entry: Any) -> str:
    items = f"{entry.n_train:,} + {entry.n_test:,} items, {entry.n_classes} classes"
    return f"{entry.summary}; {items}"


def _recipe(recipe: Recipe) -> str:
    """Its optimiser and what else differs from the article's, which is told whole."""
    if isinstance(recipe, Auto):
        return "the default: batch size, epochs and patience follow the number of items"
    options = recipe.model_dump()
    if recipe != Recipe():
        usual = Recipe().model_dump()
        options = {k: v for k, v in options.items() if k == "optimizer" or v != usual[k]}
    return _options(options)


SHARES = {
    "eligible": "rates are shares of the items that have an edit",
    "added": "rates are shares of the items in the end, of which so many are added",
}
"""What rates of a corruption are shares of, where that is not the whole set."""


def _shares(kinds: Sequence[Corruption]) -> str:
    """What rates are shares of, with the corruptions of which that is true."""
    found = {rate_of: [k.label for k in kinds if k.rate_of == rate_of] for rate_of in SHARES}
    return "; ".join(f"{', '.join(found[k])}: {SHARES[k]}" for k in SHARES if found[k])


def _corruption(entry: Any) -> str:
    return "; ".join([_entry(entry), *filter(None, [SHARES.get(entry.rate_of)])])


def _entry(entry: Any) -> str:
    told = _options(entry.options, getattr(entry, "required", ()))
    return entry.summary + (f"; options: {told}" if told else "")


def _options(options: Mapping[str, object], required: Sequence[str] = ()) -> str:
    """Options with their defaults, where these say something."""
    told = {name: f"{name} = {value!r}" for name, value in options.items() if value is not None}
    told |= {name: f"{name} (required)" for name in required}
    return ", ".join(told.get(name, name) for name in options)


def _aligned(rows: Mapping[str, str] | Sequence[tuple[str, str]], left: int = 0) -> str:
    """Two columns; on a terminal the second is wrapped to its width, elsewhere a row is a line.

    The first is at least ``left`` wide.

    Control characters, which a terminal would obey, are shown as Python writes them.
    """
    pairs = [*(rows.items() if isinstance(rows, Mapping) else rows)]
    left = max([left, *(len(name) for name, _ in pairs)]) + 2
    width = shutil.get_terminal_size(fallback=(sys.maxsize, 0)).columns
    wrapper = textwrap.TextWrapper(
        max(width, left + 20),
        subsequent_indent=" " * left,
        break_long_words=False,
        break_on_hyphens=False,
    )
    lines = (f"{name:<{left}}{_printable(text)}" for name, text in pairs)
    return "\n".join(map(wrapper.fill, lines))


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
