"""Calibration: how often each candidate household must occur for a county's margins to hold.

The weights stay as near as they can to the candidates' own frequencies (least Kullback–Leibler divergence; Hainmueller
2012, "Entropy balancing"), found on the convex dual by Newton's method.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: makes margins that contradict each other bend a little instead of running the weights to infinity
RIDGE = 1e-6
CLOSE_ENOUGH = 1e-9
MOST_STEPS = 100


def balanced_weights(features: Floats, targets: Floats, prior: Floats) -> Floats:
    """Return weights (one per row of ``features``, adding up to 1) whose weighted feature sums meet ``targets``.

    ``features`` is rows × margins, ``targets`` the mean wanted for each margin, ``prior`` the rows' own weights.
    """
    # one more margin: the weights themselves add up to one
    features = np.column_stack([features, np.ones(len(features))])
    targets = np.append(targets, 1.0)
    pull = np.zeros(features.shape[1])
    weights = prior / prior.sum()
    value = _dual(features, targets, prior, pull)
    for _ in range(MOST_STEPS):
        gap = features.T @ weights - targets + RIDGE * pull
        if np.abs(gap).max() < CLOSE_ENOUGH:
            break
        curvature = (features * weights[:, None]).T @ features + RIDGE * np.eye(len(pull))
        step = np.linalg.solve(curvature, gap)
        before = value
        pull, value = _descend(features, targets, prior, pull, value, step)
        if value == before:  # as near as floating point gets
            break
        weights = _weights(features, prior, pull)
    return weights / weights.sum()


def _weights(features: Floats, prior: Floats, pull: Floats) -> Floats:
    exponent = np.clip(features @ pull, -200, 200)
    return prior / prior.sum() * np.exp(exponent)


def _dual(features: Floats, targets: Floats, prior: Floats, pull: Floats) -> float:
    whole = _weights(features, prior, pull).sum()
    return float(whole - targets @ pull + RIDGE / 2 * pull @ pull)


def _descend(
    features: Floats, targets: Floats, prior: Floats, pull: Floats, value: float, step: Floats
) -> tuple[Floats, float]:
    """Go along the Newton step, halving it until the dual falls."""
    for halvings in range(30):
        tried = pull - step / 2**halvings
        reached = _dual(features, targets, prior, tried)
        if reached < value:
            return tried, reached
    return pull, value


def whole_counts(weights: Floats, total: int, order: NDArray[np.intp], offset: float) -> NDArray[np.int64]:
    """Return how often each row occurs among ``total``: its share rounded up or down, adding up exactly.

    Systematic sampling along ``order`` keeps every stretch of that order within one of its exact share; ``offset`` in
    [0, 1) says where the sampling begins.
    """
    reached = np.cumsum(weights[order])
    edges = np.floor(reached / reached[-1] * total + offset).astype(np.int64)
    edges[-1] = total
    counts = np.zeros(len(weights), np.int64)
    counts[order] = np.diff(edges, prepend=0)
    return counts


def whole_shares(shares: Floats | NDArray[np.int64], total: int) -> NDArray[np.int64]:
    """Return integers in proportion to ``shares`` that add up to ``total`` (largest remainders)."""
    exact = np.asarray(shares, float) / np.sum(shares) * total
    counts = np.floor(exact).astype(np.int64)
    rest = total - int(counts.sum())
    counts[np.argsort(counts - exact, kind="stable")[:rest]] += 1
    return counts
