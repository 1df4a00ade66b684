"""How much is done and how much is left, by what trials are expected to take."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from gigo.planner import efforts
from gigo.trial import Trial


class Pace:
    """Seconds of one core's work, done and left.

    What an estimator takes is guessed at first, and the guess may be far off: once some of its
    trials are done, all are taken to be off by as much as these were.

    Args:
        trials: that are to be trained.
    """

    def __init__(self, trials: Iterable[Trial]) -> None:
        trials = list(trials)
        known = efforts(trials)
        self._guess = {trial.key: known[trial.key].seconds for trial in trials}
        self._model = {
            trial.key: trial.model.identity + trial.dataset.sha256
            for trial in trials
            if trial.model.trainer == "estimator"
        }
        self._left, self._done, self._took = (defaultdict[str, float](float) for _ in range(3))
        for trial in trials:
            self._left[self._model.get(trial.key, "")] += self._guess[trial.key]

    def guess(self, key: str) -> float:
        """What a trial was expected to take; 0 for one that is not to be trained."""
        return self._guess.get(key, 0.0)

    def done(self, key: str, seconds: float) -> None:
        """A trial is done, and took so long."""
        model, guess = self._model.get(key, ""), self.guess(key)
        self._left[model] -= guess
        self._done[model] += guess
        self._took[model] += seconds if model else guess

    def share(self, begun: float = 0.0) -> float:
        """The share of all work that is done, 0 to 1.

        Args:
            begun: work done for trials that are not, as it was guessed.
        """
        off = {name: self._took[name] / done for name, done in self._done.items() if done > 0}
        left = sum(work * off.get(name, 1.0) for name, work in self._left.items())
        done = sum(self._took.values()) + begun
        return min(done / (done + max(left - begun, 0.0)), 1.0) if done > 0 else 0.0
