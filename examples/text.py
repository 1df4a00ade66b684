"""Sentences with labels of two annotators: whose labels are good enough?

    python examples/text.py

Makes up short messages about parcels and bills, labelled by somebody careful and by somebody in a
hurry, who takes a third of the bills for parcels. gigo tells what accuracy to expect at any share
of wrong labels; where the hasty annotator stands on that curve is printed below it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

import gigo

WORDS = {
    "parcel": [
        "parcel",
        "box",
        "courier",
        "door",
        "delivered",
        "late",
        "broken",
        "street",
        "number",
        "shipped",
        "arrived",
    ],
    "bill": [
        "bill",
        "amount",
        "paid",
        "twice",
        "invoice",
        "euro",
        "refund",
        "account",
        "charged",
        "month",
        "wrong",
    ],
}
OTHERS = [
    "please",
    "my",
    "the",
    "is",
    "was",
    "again",
    "today",
    "not",
    "yet",
    "still",
    "thank",
    "you",
    "hello",
    "help",
    "since",
    "week",
]


def write_messages(n: int) -> tuple[list[str], list[str], list[str]]:
    """Texts, the careful annotator's labels, and the hasty one's."""
    rng = np.random.default_rng(1)
    careful = [("parcel", "bill")[k % 2] for k in range(n)]
    texts: list[str] = []
    for label in careful:
        mixed = "bill" if label == "parcel" else "parcel"
        words = [*rng.choice(WORDS[label], 3), *rng.choice(WORDS[mixed], 1), *rng.choice(OTHERS, 6)]
        texts.append(" ".join(rng.permutation(words)))
    hasty = ["parcel" if label == "bill" and rng.random() < 1 / 3 else label for label in careful]
    return texts, careful, hasty


def main(
    out: Path = Path("runs/messages"),
    n: int = 1500,
    rates: tuple[float, ...] = (0, 0.1, 0.2, 0.3, 0.4),
    replicates: int = 5,
) -> gigo.Result:
    """Train, print the answer, write the report."""
    texts, careful, hasty = write_messages(n)
    result = gigo.sweep(texts, careful, rates=rates, replicates=replicates, out=out)
    print(result.answer)
    differing = np.mean([a != b for a, b in zip(careful, hasty, strict=True)])
    print(f"The hasty annotator differs in {differing:.0%} of the labels.")
    print(f"report: {result.report()}")
    return result


if __name__ == "__main__":
    main()
