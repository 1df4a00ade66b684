"""Where a curve falls below a target, by paired differences at each rate apart.

What gigo did before it smoothed curves: the rival of `covering.py` and `exchange_coverage.py`.
"""

from __future__ import annotations

from gigo.analysis.intervals import Estimate, Floats, first_below, half_width, moments


def fall(rates: Floats, accuracies: Floats, targets: Floats) -> Estimate:
    """Where mean accuracy first falls below a target that is itself measured.

    At each rate the excess ``accuracy - target`` is taken within replicates, so that what they
    share cancels; its mean and t-interval make a curve in a band. The estimate is where the curve
    first falls below zero, its interval is from where the band's lower edge does to where its
    upper edge does: the rates that a paired t-test does not reject (Fieller 1954), where the curve
    crosses once. The band is pointwise: on a plateau just above the target chance may take its
    edge below at one of many rates, and the upper end then comes too early. Between rates the
    band is drawn straight, which is never narrower than the exact one.

    Args:
        rates: (R,) ascending.
        accuracies: (R, n) of n replicates; NaN where a trial is missing or did not start.
        targets: (n,) what each replicate is held to; NaN leaves the replicate out.

    Returns:
        No value if the curve is below already at the lowest rate with a trial and that is not 0;
        likewise the band's lower edge then has its end at 0, as it may fall anywhere before.
    """
    n, mean, _ = moments(accuracies - targets)
    used = n > 0
    if not used.any():
        return Estimate(None)
    mean, half = mean[used], half_width((accuracies - targets)[used])
    lowest = float(rates[used][0])
    if lowest > 0 and mean[0] < 0:
        note = f"it is below already at {100 * lowest:.3g} %, the lowest rate that can be compared"
        return Estimate(None, notes=(note,))
    open_below = lowest > 0 and mean[0] - half[0] < 0
    return Estimate(
        value=first_below(rates[used], mean),
        low=0.0 if open_below else first_below(rates[used], mean - half),
        high=first_below(rates[used], mean + half),
        highest_rate=float(rates[used][-1]),
    )
