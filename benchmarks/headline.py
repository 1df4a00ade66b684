"""From question to answer, the article's way and with a search: ``python benchmarks/headline.py``.

Estimated from committed tables; nothing is trained. A curve through the means of a table, with
gigo's pooled variances, is taken as the truth. From it are drawn, with normal noise, full grids of
11 rates until the mean width of the interval is 10 points, and searches (``gigo find tolerance``).
Searches on ``patches`` and ``mlp`` were run, and their own trainings and seconds count. Keras and
gigo train as long as the table of docs/performance.md says of 12 epochs of the article's network.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from gigo.analysis.curves import Accuracies
from gigo.analysis.intervals import Floats
from gigo.analysis.spread import pooled
from gigo.axes import CURVE
from gigo.search import PILOT_REPLICATES, WIDTH, Batch, ask, pilot_rates
from gigo.tolerance_search import Tolerance

RESULTS = Path(__file__).parents[1] / "docs" / "results"
GRID = tuple(k / 10 for k in range(11))
DRAWS = 100
MOST_REPLICATES = 60

KERAS, GIGO_ORACLE, GIGO_CLEAN = 5.81 * 12.3 / 12, 37 / 12, 12.3 / 12
"""Seconds per epoch of the article's network on 1,000 items, on the machine of the table."""


@dataclass(frozen=True)
class Truth:
    """A curve to draw trainings from: means, variances and epochs by rate, straight between."""

    rates: Floats
    means: Floats
    variances: Floats
    epochs: Floats

    @classmethod
    def of(cls, frame: pd.DataFrame) -> Truth:
        values = Accuracies.of(frame)
        spread = pooled(values.rates, values.started, True)
        used = spread.n > 0
        all_rates, all_epochs = frame["rate"].to_numpy(float), frame["epochs"].to_numpy(float)
        epochs = np.array([all_epochs[all_rates == rate].mean() for rate in values.rates[used]])
        return cls(values.rates[used], spread.mean[used], spread.variance[used], epochs)

    def draw(
        self, rng: np.random.Generator, rates: tuple[float, ...], first: int, n: int
    ) -> pd.DataFrame:
        """New replicates, as rows of a tidy table."""
        every = np.tile(rates, n)
        mean = np.interp(every, self.rates, self.means)
        spread = np.sqrt(np.interp(every, self.rates, self.variances))
        points = {
            "rate": every,
            "replicate": np.repeat(np.arange(first, first + n), len(rates)),
            "accuracy": np.clip(mean + spread * rng.normal(size=len(every)), 0, 1),
        }
        known = {"status": "ok", "started": True, "chance": 0.1, "n_classes": 10}
        frame = pd.DataFrame(points).assign(**known, realised_rate=every)
        return frame.assign(**{**dict.fromkeys(CURVE, "drawn"), "corruption": "symmetric"})

    def cost(self, frame: pd.DataFrame) -> float:
        """Epochs of some trainings."""
        return float(np.interp(frame["rate"].to_numpy(float), self.rates, self.epochs).sum())

    def grid(self) -> tuple[int, float]:
        """Trainings and epochs of the full grid whose mean width is no more than asked for."""
        quantity = Tolerance()
        for replicates in range(2, MOST_REPLICATES):
            draws = [
                self.draw(np.random.default_rng(seed), GRID, 0, replicates)
                for seed in range(DRAWS // 2)
            ]
            ends = [quantity.ends(quantity.estimate(frame), frame) for frame in draws]
            if np.mean([high - low for low, high in ends]) <= WIDTH:
                return len(draws[0]), self.cost(draws[0])
        raise ValueError(f"more than {MOST_REPLICATES} replicates")

    def search(self) -> tuple[float, float]:
        """Mean trainings and epochs of searches."""
        found: list[tuple[float, float]] = []
        for seed in range(DRAWS):
            rng = np.random.default_rng(seed)
            frame = self.draw(rng, pilot_rates(of_two=False), 0, PILOT_REPLICATES)
            while isinstance(asked := ask(frame, Tolerance(), WIDTH, 1000 - len(frame)), Batch):
                first = int(frame["replicate"].to_numpy(int).max()) + 1
                new = self.draw(rng, asked.fields["rates"], first, asked.replicates)
                frame = pd.concat([frame, new])
            found.append((len(frame), self.cost(frame)))
        trainings, epochs = np.mean(found, axis=0)
        return float(trainings), float(epochs)


def main() -> None:
    """Print what was found, what a grid would take, and the two ratios."""
    article = pd.read_csv(RESULTS / "article-mnist-1000.csv").assign(n_classes=10)
    cnn = Truth.of(article.query("corruption == 'symmetric'"))
    grid, grid_epochs = cnn.grid()
    keras = KERAS * grid_epochs
    print(f"article's way: {grid} trainings, {keras / 3600:.1f} h ({keras / grid:.0f} s each)")
    trainings, epochs = cnn.search()
    print(f"article_cnn, searched: {trainings:.0f} trainings on average")
    for name, seconds in (("oracle", GIGO_ORACLE * epochs), ("clean", GIGO_CLEAN * epochs)):
        print(f"  validated as {name}: {seconds / 3600:.2f} h, {keras / seconds:.1f} times as fast")
    print("searches that were run:")
    searched = pd.read_csv(RESULTS / "find.csv")
    for dataset in searched["dataset"].unique():
        rows = searched.query("dataset == @dataset")
        n, seconds = len(rows), float(rows["seconds"].to_numpy(float).sum())
        model, same = rows["model"].iloc[0], Truth.of(rows).grid()[0]
        print(
            f"  {dataset}, {model}: {n} trainings, {seconds:.0f} s ({seconds / n:.1f} s each); "
            f"a full grid {same}, so that the search takes {n / same:.2f}"
        )
        if dataset == "mnist":
            print(f"  {keras / seconds:.0f} times as fast as the article's way")


if __name__ == "__main__":
    main()
