"""What the slots of workers and the limits of task definitions let run at once, and keep waiting."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from pytest_k1n.core.gates.facts import BatchObservation
from pytest_k1n.core.model import TaskKey, TaskRecord
from pytest_k1n.core.record.observation import Observation


def capacity(observation: Observation, records: Mapping[TaskKey, TaskRecord]) -> tuple[int, int, str]:
    """Return how many of the tasks must and may run at once, and who says so: workers, or task definitions.

    A definition's limit is the whole server's: others may use it up, all but the one that runs.
    """
    least, most, why = 0, 0, "the workers have slots"
    by_name: dict[str, list[TaskKey]] = {}
    for key, record in records.items():
        by_name.setdefault(record.def_name, []).append(key)
    workers = {each.worker_id for each in records.values() if each.is_worker_task}  # a server names itself elsewhere
    for keys in by_name.values():
        may = len(keys) if observation.slots is None else min(len(keys), observation.slots * max(1, len(workers)))
        definition = observation.task_definition(keys[0])
        if definition is not None and definition.is_limited(may):
            least += 1
            most += min(may, definition.concurrent_exec_limit or may)
            why = "the limits of their task definitions allow"
        else:
            least += may
            most += may
    return least, most, why


def held_back(observation: Observation, batch: BatchObservation) -> frozenset[TaskKey]:
    """Return the tasks that their definition's concurrentExecLimit or rate limit may have kept in their queue.

    The server gives them to no worker before, however many there are.
    """
    definitions = {key: observation.task_definition(key) for key in observation.worker_keys}
    limited = {
        each.name for each in definitions.values() if each and (each.concurrent_exec_limit > 0 or each.rate_limit > 0)
    }
    records = (record for each in batch.company.observations if limited for record in each.execution.tasks)
    counts = Counter(record.def_name for record in records if record.def_name in limited)
    return frozenset(key for key, each in definitions.items() if each and each.is_limited(counts[each.name]))
