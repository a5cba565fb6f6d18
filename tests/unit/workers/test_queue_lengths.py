"""Which of many types are polled, and when those behind waits."""

import pytest

from pytest_k1n.client.errors import NotFound
from pytest_k1n.workers.queue_lengths import QueueLengths


class Server:
    def __init__(self, lengths=()):
        self.lengths = dict(lengths)
        self.asked = []
        self.now = 0.0
        self.takes_s = 0.0

    def sizes(self, names):
        self.asked.append(list(names))
        self.now += self.takes_s
        return {name: self.lengths.get(name, 0) for name in names}

    def later(self, **given):
        return QueueLengths(self.sizes, pause_s=0.01, clock=lambda: self.now, **given)


def test_one_type_is_polled_once_a_pause_without_asking():
    server = Server()
    later = server.later()
    assert [later.due(("a",)), later.due(("a",))] == [("a",), ()]
    server.now = 0.01
    assert later.due(("a",)) == ("a",)
    assert server.asked == []


def test_of_several_only_those_are_polled_whose_queues_hold_something():
    server = Server({"b": 2})
    later = server.later()
    assert later.due(("a", "b", "c")) == ("b",)
    assert later.due(("a", "b", "c")) == ()
    assert [sorted(names) for names in server.asked] == [["a", "b", "c"]]


def test_a_workers_domain_has_queues_of_its_own():
    server = Server({"blue:a": 1, "b": 1})
    assert server.later(domain="blue").due(("a", "b")) == ("a",)


def test_all_of_very_many_types_come_to_be_asked_about():
    types = [f"{number:0200}" for number in range(100)]
    server = Server({types[99]: 1})
    later = server.later()
    found = []
    for _ in types:
        server.now += 0.01
        found += later.due(types)
    assert {name for names in server.asked for name in names} == set(types)
    assert max(sum(len(name) + 1 for name in names) for names in server.asked) <= 4000
    assert types[99] in found


def test_a_name_with_a_comma_is_polled_and_not_asked_about():
    server = Server()
    assert server.later().due(("a,b", "c")) == ("a,b",)
    assert server.asked == [["c"]]


def test_a_server_that_tells_no_lengths_has_one_type_after_another_polled():
    def refuse(names):
        raise NotFound("no such route")

    now = [0.0]
    later = QueueLengths(refuse, pause_s=0.01, clock=lambda: now[0])
    found = []
    for _ in range(6):
        now[0] += 0.011
        found += later.due(("a", "b", "c"))
    assert sorted(found) == ["a", "a", "b", "b", "c", "c"]


@pytest.mark.parametrize("types", [(), []])
def test_where_nothing_waits_nothing_is_asked(types):
    server = Server()
    assert server.later().due(types) == ()
    assert server.asked == []


def test_all_of_many_types_are_asked_about_in_as_few_requests_as_hold_them():
    types = [f"{number:040}" for number in range(400)]
    server = Server()
    later = server.later()
    for _ in range(5):
        server.now += 0.01
        later.due(types)
    assert {name for names in server.asked for name in names} == set(types)


def test_of_many_types_that_may_be_ready_only_those_that_wait_are_polled_for_as_many_as_do():
    server = Server({"b": 2, "d": 99})
    later = server.later()
    types = ("a", "b", "c", "d", "e,f")
    assert later.among(types) == {"b": 2, "d": 99, "e,f": 1}
    assert later.among(types[:3]) == {"a": 1, "b": 1, "c": 1}
    assert len(server.asked) == 1


def test_of_many_types_each_is_polled_now_and_then_and_where_lengths_are_not_told():
    server = Server()
    later = server.later()
    types = ("a", "b", "c", "d")
    polled = [later.among(types) for _ in range(50)]
    assert [each for each in polled if each] == [{"b": 1}, {"c": 1}, {"d": 1}, {"a": 1}, {"b": 1}]

    def refused(names):
        raise NotFound("no such route")

    assert QueueLengths(refused, pause_s=0.01).among(types) == dict.fromkeys(types, 1)
    long = tuple(f"{number:0200}" for number in range(100))
    assert later.among(long) == dict.fromkeys(long, 1)


def test_a_server_that_counts_slowly_is_asked_for_later_types_a_tenth_of_the_time():
    server = Server()
    server.takes_s = 0.3
    later = server.later()
    assert later.due(("a", "b")) == ()
    server.now += 2.9
    later.due(("a", "b"))
    assert len(server.asked) == 1
    server.now += 0.2
    later.due(("a", "b"))
    assert len(server.asked) == 2


def test_a_server_that_counts_more_slowly_than_it_answers_polls_is_polled():
    server = Server({"a": 1})
    lengths, types = server.later(), ("a", "b", "c", "d")
    server.takes_s = 0.021
    assert len(lengths.among(types)) < len(types)
    assert lengths.among(types) == dict.fromkeys(types, 1)
    server.now += 10.1
    server.takes_s = 0.019
    assert len(lengths.among(types)) < len(types)
    assert len(lengths.among(types)) < len(types)
    assert len(server.asked) == 3
