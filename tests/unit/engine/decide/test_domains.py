from pytest_k1n.engine.decide.domains import ACTIVE_MS, domain_of

NOW_MS = 1_000_000


def chosen(domains, **polled_ms_ago):
    return domain_of("t", domains, lambda _type, domain: _ago(polled_ms_ago.get(domain)), NOW_MS)


def _ago(ms):
    return None if ms is None else NOW_MS - ms


def test_a_type_s_own_domain_wins_over_everybody_s():
    assert chosen({"*": "blue", "t": "red"}) == "red"
    assert chosen({"*": "blue", "u": "red"}) == "blue"
    assert chosen({"u": "red"}) is None


def test_of_a_list_the_first_that_somebody_polls_is_taken():
    assert chosen({"*": "blue, red,green"}, red=ACTIVE_MS - 1, green=0) == "red"


def test_of_a_list_that_nobody_polls_any_more_the_last_is_taken():
    assert chosen({"*": "blue, red"}, blue=ACTIVE_MS) == "red"
    assert chosen({"*": "blue,NO_DOMAIN"}) is None


def test_no_domain_is_no_domain_in_any_case():
    assert chosen({"*": "no_domain"}) is None
    assert chosen({"*": " "}) is None
