"""The names of the measures that `gigo.metrics` works out, with their meanings; light to import."""

from __future__ import annotations

BINS = 15
"""Of the top probability, equally wide: where its mean is compared with the accuracy."""

MEASURES: dict[str, str] = {
    "accuracy": "share of the test items that are classified correctly, 0 to 1",
    "balanced_accuracy": "mean recall over the classes, 0 to 1",
    "macro_f1": "mean F1 over the classes, 0 to 1",
    "log_loss": "mean test cross-entropy, nats",
    "brier": "mean squared error of the class probabilities: summed over the classes, 0 to 2; for"
    " two classes half of that, 0 to 1",
    "ece": f"expected calibration error of the top probability, {BINS} bins, 0 to 1",
    "roc_auc": "area under the ROC curve, 0 to 1; for two classes, the second being positive",
    "average_precision": "area under the precision-recall curve, 0 to 1; for two classes, likewise",
}
"""What `gigo.metrics.measures` can give, with its meaning and unit."""

RANKING = ("roc_auc", "average_precision")
"""Those of `MEASURES` that only two classes have."""
