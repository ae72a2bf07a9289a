"""Token buckets in a shared file: what passes at once, what passes for ever, and what happens when keys crowd."""

import multiprocessing
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianfang.kit import rates
from lianfang.kit.rates import Rate, RateStore


class Clock:
    def __init__(self):
        self.now = 1_700_000_000.0


@pytest.fixture
def clock(monkeypatch):
    hand = Clock()
    monkeypatch.setattr(rates, "machine_seconds", lambda: hand.now)
    return hand


@pytest.fixture
def store(tmp_path):
    return RateStore(tmp_path / "rates", slots=64)


def test_a_burst_passes_and_then_as_much_as_the_rate_says(store, clock):
    rate = Rate(2, 10)
    assert [store.take(b"phone", rate) for _ in range(10)] == [0.0] * 10
    assert store.take(b"phone", rate) == pytest.approx(0.5)
    clock.now += 0.5
    assert store.take(b"phone", rate) == 0.0
    assert store.take(b"phone", rate) > 0
    assert store.take(b"another", rate) == 0.0


def test_who_keeps_to_the_rate_never_waits(store, clock):
    for _ in range(5000):
        assert store.take(b"phone", Rate(2, 1)) == 0.0
        clock.now += 0.5


def test_more_than_a_bucket_passes_when_it_is_full_and_is_paid_for(store, clock):
    rate = Rate(100, 1000)
    assert store.take(b"phone", rate, 5000) == 0.0
    wait = store.take(b"phone", rate, 1)
    assert wait == pytest.approx(40.01)
    clock.now += wait
    assert store.take(b"phone", rate, 1) == 0.0


def test_a_refusal_takes_nothing_and_a_question_neither(store, clock):
    rate = Rate(1, 2)
    assert [store.wait(b"phone", rate) for _ in range(5)] == [0.0] * 5
    store.take(b"phone", rate, 2)
    assert [round(store.take(b"phone", rate), 6) for _ in range(5)] == [1.0] * 5


def test_a_refilled_bucket_is_full(store, clock):
    rate = Rate(1, 2)
    store.take(b"phone", rate, 2)
    store.refill(b"phone")
    assert store.take(b"phone", rate, 2) == 0.0


def test_a_clock_set_back_shuts_nobody_out(store, clock):
    store.take(b"phone", Rate(1, 1))
    clock.now -= 86400
    assert store.take(b"phone", Rate(1, 1)) == 0.0


@given(st.lists(st.tuples(st.integers(0, 200), st.floats(0.1, 30)), max_size=60))
def test_crowded_keys_only_ever_pass_more(tmp_path_factory, asked):
    """Against one bucket of its own for each key: whoever passes there passes here."""
    crowded = RateStore(tmp_path_factory.mktemp("rates") / "crowded", slots=4)
    own, rate = {}, Rate(0.01, 30)
    for number, cost in asked:
        left = own.setdefault(number, 30.0)
        wait = crowded.take(b"%d" % number, rate, cost)
        if left >= cost:
            assert wait == 0.0
        # what the crowd let pass beyond it is used up all the same
        own[number] = max(0.0, left - cost) if wait == 0.0 else left


def test_processes_share_one_store(tmp_path):
    path, rate = tmp_path / "rates", Rate(0.3, 1000)
    RateStore(path)
    context = multiprocessing.get_context("spawn")
    with context.Pool(1, maxtasksperchild=1) as pool:  # one after the other, each in a process of its own
        assert [pool.apply(_take_many, (path, times)) for times in (900, 900)] == [900, 100]
    assert RateStore(path).take(b"phone", rate) > 0


def _take_many(path, times):
    store = RateStore(path)
    return sum(store.take(b"phone", Rate(0.3, 1000)) == 0.0 for _ in range(times))


def test_a_check_costs_a_few_microseconds(tmp_path):
    store = RateStore(tmp_path / "rates")
    began = time.perf_counter()
    for number in range(20_000):
        store.take(number.to_bytes(16, "big"), Rate(1, 10))
    assert (time.perf_counter() - began) / 20_000 < 20e-6


@pytest.mark.parametrize("text", ["", "20", "a/b", "0/3", "3/0", "1/2/3", "nan/3", "inf/1", "1/4000"])
def test_what_is_no_rate_is_refused_in_a_sentence(text):
    with pytest.raises(ValueError, match="is no rate"):
        Rate.read(text)


def test_a_rate_is_read():
    assert Rate.read("20/300") == Rate(20, 300)
