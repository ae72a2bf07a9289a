"""Weights that meet margins, and whole numbers that meet weights."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianfang.core.people.synthetic.calibration import balanced_weights, whole_counts, whole_shares

SHARES = st.lists(st.floats(0.001, 1000), min_size=1, max_size=60)


@given(st.integers(0, 10**6))
def test_weights_meet_any_margins_that_some_weights_meet(seed):
    rng = np.random.default_rng(seed)
    features = rng.integers(0, 4, (200, 6)).astype(float)
    hidden = rng.random(200)
    targets = features.T @ (hidden / hidden.sum())
    weights = balanced_weights(features, targets, np.ones(200))
    assert (weights > 0).all()
    assert weights.sum() == pytest.approx(1)
    assert features.T @ weights == pytest.approx(targets, abs=1e-3)


def test_nothing_moves_that_need_not_move():
    prior = np.array([1.0, 2, 3, 4])
    features = np.array([[0.0], [1], [0], [1]])
    weights = balanced_weights(features, np.array([0.8]), prior)
    assert weights[0] / weights[2] == pytest.approx(1 / 3)
    assert weights[1] / weights[3] == pytest.approx(2 / 4)


def test_margins_that_contradict_each_other_bend():
    features = np.array([[1.0, 1], [0, 0]])
    weights = balanced_weights(features, np.array([0.2, 0.6]), np.ones(2))
    assert 0.2 < weights[0] < 0.6


@given(SHARES, st.integers(0, 5000), st.floats(0, 0.999), st.integers(0, 100))
def test_counts_are_shares_rounded_up_or_down(shares, total, offset, seed):
    weights = np.array(shares) / sum(shares)
    order = np.random.default_rng(seed).permutation(len(weights))
    counts = whole_counts(weights, total, order, offset)
    assert counts.sum() == total
    assert (np.abs(counts - weights * total) < 1 + 1e-6).all()


@given(SHARES, st.integers(0, 10**6))
def test_whole_shares_add_up_and_stay_within_one(shares, total):
    counts = whole_shares(np.array(shares), total)
    assert counts.sum() == total
    assert (np.abs(counts - np.array(shares) / sum(shares) * total) < 1 + 1e-6).all()
