"""The played services do what their formulas say: the boundary is where it is said to be."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.detection.simulator import CHANGES, REGIMES, Service, Stalls, Stream, pair

SECONDS = 600


def exceedances(service, threshold, *, streams, seed):
    rng = np.random.default_rng(seed)
    runs = [service.run(rng, SECONDS) for _ in range(streams)]
    shares = [float(((run.elapsed >= threshold) | run.failed).mean()) for run in runs]
    return np.mean(shares), np.std(shares) / np.sqrt(streams)


@pytest.mark.parametrize("regime", REGIMES)
@pytest.mark.parametrize("share", [0.005, 0.01, 0.05])
def test_the_threshold_of_a_share_is_exceeded_by_that_share(regime, share):
    service = REGIMES[regime]
    mean, error = exceedances(service, service.threshold(share, SECONDS), streams=100, seed=1)
    assert mean == pytest.approx(share, abs=4 * error + 0.01 * share)


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_service_exceeds_by_what_is_computed(change):
    service = replace(REGIMES["stalls .5 s / 20 s"], **CHANGES[change])
    mean, error = exceedances(service, 500.0, streams=60, seed=2)
    assert mean == pytest.approx(service.exceedance(500.0, SECONDS), abs=4 * error + 0.001)


def test_requests_of_a_stall_end_together():
    service = Service(rate=200, stalls=Stalls(3, 300))
    stream = service.run(np.random.default_rng(3), SECONDS, begins=np.array([100.5]))
    samples = stream.samples()
    assert samples[101:103].sum() < 50
    assert samples[103] > 600


def test_blocks_hold_every_request_that_ended_and_none_else():
    stream = Service().run(np.random.default_rng(4), 60)
    blocks = stream.blocks(10)
    assert len(blocks) == 6
    assert sum(map(len, blocks)) == stream.samples().sum()
    assert np.concatenate(blocks).sum() == pytest.approx(stream.elapsed[stream.ends < 60].sum())


def test_an_empty_stream_has_seconds_without_samples():
    stream = Stream(30, np.empty(0), np.empty(0), np.empty(0, dtype=bool))
    assert stream.samples().tolist() == [0] * 30
    assert [len(block) for block in stream.blocks(10)] == [0, 0, 0]


def test_a_shared_stall_hits_both():
    service = Service(rate=200, stalls=Stalls(2, 60))
    base, candidate = pair(service, service, np.random.default_rng(5), 120, shared=True)
    slow = [set(np.flatnonzero(run.over(1000)).tolist()) for run in (base, candidate)]
    assert slow[0] & slow[1]


def test_the_same_seed_gives_the_same_stream():
    first, second = (REGIMES["drift"].run(np.random.default_rng(6), 60) for _ in range(2))
    assert (first.elapsed == second.elapsed).all()


def test_no_threshold_holds_what_fails_already():
    with pytest.raises(ValueError, match="no threshold"):
        Service(errors=0.02).threshold(0.01, SECONDS)
