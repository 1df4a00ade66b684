"""The trainer of models with scikit-learn's fit and predict: one after the other, each whole.

Beside ``fit`` and ``predict``, and ``predict_proba`` where a model has it, gigo looks at:

``as_images``
    True: images come as the data set has them, (n, channels, height, width), 0 to 255 where they
    are ``uint8``. Else they come as vectors, ``uint8`` divided by 255.
``numbers_only``
    True: it can't be trained on tables with words or gaps, which is then said before training.
``inputs_once(x, *others)``
    what the training items and other sets of items are to be turned into before ``fit`` and
    ``predict`` see them. Labels have no part in it, so that it is called once for all trials of the
    same items. It must neither change nor keep what it is given.
``fit(x, y, eval_set=)``
    takes ``[(x, y)]`` of the items that a trial holds out, as XGBoost and LightGBM do.
``fit(x, y, sample_weight=)``
    takes the weights of the items, where the data have some (`gigo.item_weights`).

trials    records of trials, one after the other
supply    what their models are given
fitting   one model: what it is fitted to, what it predicts
settings  its parameters, and the packages it is from
alone     random generators and threads while it computes
reason    its errors and warnings, a line each
"""

from __future__ import annotations

from gigo.estimators.trials import Fitting, fit_all

__all__ = ["Fitting", "fit_all"]
