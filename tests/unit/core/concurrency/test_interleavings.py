"""Partial-order reduction: every outcome that brute force finds, with a run for each class of orders and no more."""

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from pytest_k1n.core.concurrency.interleavings import EVERYTHING, Course, Event, Move, depend, explore

# A program: threads of steps; a step reads some variables and writes others: it appends its name and what it read.
Program = list[list[tuple[frozenset, frozenset]]]
VARIABLES = "xyz"


def event(thread, index, step):
    reads, writes = step
    after = frozenset({f"{thread}.{index - 1}"}) if index else frozenset()
    return Event(name=f"{thread}.{index}", reads=reads, writes=writes, after=after)


def runner(program):
    """Run a program as its chooser says; the outcome is the state at the end, with what each step has read."""

    def run(choose):
        at = [0] * len(program)
        state, seen, moves = dict.fromkeys(VARIABLES, ()), [], []
        while True:
            enabled = tuple(f"{number}.{at[number]}" for number, steps in enumerate(program) if at[number] < len(steps))
            if not enabled:
                return Course(tuple(moves), repr((state, sorted(seen))))
            name = choose(enabled, moves[-1] if moves else None)
            if name is None:
                return Course(tuple(moves), None)
            thread, index = map(int, name.split("."))
            happened = event(thread, index, program[thread][index])
            read = [(variable, state[variable]) for variable in sorted(happened.reads)]
            seen.append((name, read))
            for variable in sorted(happened.writes):
                state[variable] = (*state[variable], name)
            at[thread] += 1
            moves.append(Move(enabled=enabled, event=happened))

    return run


def all_orders(program):
    names = [number for number, steps in enumerate(program) for _ in steps]
    return set(permutations(names))


def outcome_of(program, order):
    left = iter(order)

    def choose(enabled, _before):
        thread = next(left)
        return next(name for name in enabled if name.startswith(f"{thread}."))

    return runner(program)(choose).outcome


step = st.tuples(
    st.frozensets(st.sampled_from(VARIABLES), max_size=2), st.frozensets(st.sampled_from(VARIABLES), max_size=1)
)
programs = st.lists(st.lists(step, min_size=1, max_size=2), min_size=1, max_size=3)


@given(programs)
def test_it_finds_every_outcome_that_brute_force_finds_and_each_class_once(program):
    found = explore(runner(program), limit=10_000)
    assert found.is_complete
    outcomes = [course.outcome for course in found.courses]
    # The state keeps who wrote in which order and what each step read: its value tells classes of orders apart.
    assert sorted(outcomes) == sorted({outcome_of(program, order) for order in all_orders(program)})


def test_what_shares_nothing_needs_one_run():
    program = [[(frozenset(), frozenset())]] * 6
    found = explore(runner(program), limit=10)
    assert (found.runs, len(found.courses), found.is_complete) == (1, 1, True)


def test_all_orders_of_writers_of_one_variable_are_run():
    program = [[(frozenset(), frozenset("x"))]] * 4
    assert len(explore(runner(program), limit=100).courses) == 24


def test_a_limit_ends_it_and_is_admitted():
    program = [[(frozenset(), frozenset("x"))]] * 4
    found = explore(runner(program), limit=5)
    assert (found.runs, found.is_complete) == (5, False)


def test_readers_do_not_depend_and_a_writer_of_everything_does():
    reader, other = Event(name="a", reads=frozenset("x")), Event(name="b", reads=frozenset("x"))
    assert not depend(reader, other)
    assert depend(reader, Event(name="c", writes=frozenset({EVERYTHING})))
