"""The short form of `make soak`: a few clients, a few seconds; for memory that is too short."""

from k1n_support.soak import served, soak


def test_nothing_is_lost_or_doubled_with_many_clients_and_searches_beside_them():
    with served() as (url, pid):
        tally = soak(url, pid, clients=12, seconds=3)

    assert (tally.lost, tally.doubled, tally.errors) == ([], [], [])
    assert tally.started > 12
    assert tally.search_ms
    assert tally.health_ms
