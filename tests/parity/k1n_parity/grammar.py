"""Random valid definitions with scripts for their workers, a pure function of the seed.

Kept out, because the real server's answer depends on its speed: two timeouts or fatal delays that race each other.
So a task that nobody polls stands outside forks and loops, and a timeout of the whole execution stands in a case
without other delays.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from k1n_parity.draws import VALUES, Place
from k1n_parity.leaves import Leaves
from pytest_k1n.conformance.cases import PREFIX, Action, Case, ClientStep, Document


@dataclass(slots=True, kw_only=True)
class Generator(Leaves):
    """Draws whole cases."""

    def case(self) -> Case:
        known: list[str] = []
        tasks = self.block(Place(), known, self.random.randint(1, 4))
        definition: Document = {"name": f"{PREFIX}main", "version": 1, "schemaVersion": 2, "tasks": tasks}
        if self.chance(0.4):
            definition["outputParameters"] = {"out": self.expression(known), "all": self.template(known)}
        if self.chance(0.15):
            definition["failureWorkflow"] = self.failure_workflow()
        if self.chance(0.15):
            definition["variables"] = {"v0": self.random.choice(VALUES[:4])}
        if self.chance(0.1):
            definition["inputTemplate"] = {"a": "from template", "z": 9}
        if not self.waits and not self.silences and self.chance(0.06):
            self.hang_execution(definition, tasks)
        steps = self.steps(tasks) if self.chance(0.3) else ()
        return Case(
            name=f"seed {self.seed}",
            seed=self.seed,
            workflows=(definition, *self.workflows),
            task_definitions=tuple(self.tasks.values()),
            input={
                "a": 1,
                "b": "text",
                "list": [1, 2, 3],
                "map": {"k": "v"},
                "case": self.random.choice(["x", "y", "q"]),
            },
            script=self.script,
            steps=steps,
            start={"correlationId": "order 7"} if self.chance(0.2) else {},
        )

    def hang_execution(self, definition: Document, tasks: list[Document]) -> None:
        first = next((task for task in tasks if task["type"] == "SIMPLE" and task["name"] in self.tasks), None)
        if first is None:
            return
        definition |= {"timeoutSeconds": 2, "timeoutPolicy": self.random.choice(["TIME_OUT_WF", "ALERT_ONLY"])}
        self.script[first["taskReferenceName"]] = (Action(kind="hang"),)

    def failure_workflow(self) -> str:
        name = f"{PREFIX}failure"
        task = self.simple(Place(in_child=True), [], plain=True)
        task["inputParameters"] = {key: f"${{workflow.input.{key}}}" for key in ("reason", "failureStatus", "a")}
        self.workflows.append({"name": name, "version": 1, "schemaVersion": 2, "tasks": [task]})
        return name

    def steps(self, tasks: list[Document]) -> tuple[ClientStep, ...]:
        """Draw what a client does: now and then a pause, an end, a second try."""
        steps: list[ClientStep] = []
        after = self.random.randint(0, 5)
        # a rerun from a FORK, a JOIN or a timed WAIT hangs until the server repairs its queues, a minute or so
        refs = [task["taskReferenceName"] for task in tasks if not _hangs_when_rerun(task)] or ["none"]
        kind = self.random.random()
        if kind < 0.3:
            steps += [
                ClientStep(operation="pause", after=after),
                ClientStep(operation="resume", after=after + self.random.randint(0, 3)),
            ]
        elif kind < 0.5:
            steps += [
                ClientStep(operation="terminate", after=after, query={"reason": "enough"} if self.chance(0.5) else {})
            ]
        elif kind < 0.6:
            steps += [ClientStep(operation="skip", after=after, ref=self.random.choice(refs))]
        for _ in range(self.random.choice([0, 1, 1, 2])):
            operation = self.random.choice(["retry", "restart", "rerun", "rerun"])
            ref = self.random.choice(refs) if operation == "rerun" and self.chance(0.8) else None
            steps.append(ClientStep(operation=operation, ref=ref, body={"reRunFromTaskId": "{task}"} if ref else None))
        return tuple(steps)

    def block(self, place: Place, known: list[str], length: int) -> list[Document]:
        """Draw a sequence of tasks; `known` gains the refs that are certain to have run at its end."""
        tasks: list[Document] = []
        while len(tasks) < length and (self.budget > 0 or not tasks):
            self.budget -= 1
            tasks += self.kind(place)(place, known)
        return tasks

    def kind(self, place: Place) -> Callable[[Place, list[str]], list[Document]]:
        kinds: dict[Callable[[Place, list[str]], list[Document]], float] = {
            self.one_simple: 6,
            self.set_variable: 0.5,
            self.inline: 0.6,
            self.jq: 0.6,
            self.timed_wait: 0.3 if self.waits < 2 and not place.in_fork else 0,
            self.external: 0.6,
            self.noop: 0.2,
            self.dynamic: 0.5,
            self.terminate: 0.25 if place.depth else 0.02,
        }
        if place.depth < 3:
            kinds |= {self.fork: 2, self.switch: 1.6, self.dynamic_fork: 0.9, self.loop: 0 if place.in_loop else 1.2}
            kinds |= {self.sub_workflow: 0 if place.in_child else 1.1, self.decision: 0.2}
        return self.random.choices(list(kinds), list(kinds.values()))[0]

    def fork(self, place: Place, known: list[str]) -> list[Document]:
        ref = self.ref("fork")
        branches, gained = [], []
        for _ in range(self.random.randint(1, 3)):
            own = list(known)
            branches.append(self.block(place.inside(in_fork=True), own, self.random.randint(1, 2)))
            gained.append(own[len(known) :])
            self.tame(branches[-1][-1])
        ends = [branch[-1]["taskReferenceName"] for branch in branches]
        if self.chance(0.15) and len(ends) > 1:
            ends = self.random.sample(ends, self.random.randint(1, len(ends) - 1))
        join: Document = {
            "name": "join",
            "taskReferenceName": self.ref("join"),
            "type": "JOIN",
            "joinOn": ends,
        }
        if self.chance(0.2):
            join["joinMode"] = "SYNC"
        for end, own in zip((branch[-1]["taskReferenceName"] for branch in branches), gained, strict=True):
            known += own if end in ends else []
        known.append(join["taskReferenceName"])
        return [{"name": "fork", "taskReferenceName": ref, "type": "FORK_JOIN", "forkTasks": branches}, join]

    def switch(self, place: Place, known: list[str]) -> list[Document]:
        ref = self.ref("switch")
        cases = {
            value: self.block(place.inside(), list(known), self.random.randint(1, 2)) if self.chance(0.85) else []
            for value in self.random.sample(["x", "y", "1", "true"], self.random.randint(1, 2))
        }
        task: Document = {
            "name": "switch",
            "taskReferenceName": ref,
            "type": "SWITCH",
            "decisionCases": cases,
            "evaluatorType": "value-param",
            "expression": "on",
            "inputParameters": {"on": self.random.choice(["${workflow.input.case}", "${workflow.input.a}", *cases])},
        }
        if self.chance(0.3):
            task |= {"evaluatorType": "javascript", "expression": "$.on == 'x' ? 'x' : ($.on == 1 ? 'y' : 'none')"}
        if self.chance(0.5):
            task["defaultCase"] = self.block(place.inside(), list(known), 1)
        known.append(ref)
        return [task]

    def decision(self, place: Place, known: list[str]) -> list[Document]:
        ref = self.ref("decision")
        case = self.block(place.inside(), list(known), 1)
        task = {
            "name": "decision",
            "taskReferenceName": ref,
            "type": "DECISION",
            "caseValueParam": "on",
            "decisionCases": {"x": case},
            "inputParameters": {"on": "${workflow.input.case}"},
        }
        return [task]

    def loop(self, place: Place, known: list[str]) -> list[Document]:
        ref = self.ref("loop")
        own = list(known)
        body = self.block(place.inside(in_loop=True), own, self.random.randint(1, 2))
        task: Document = {"name": "loop", "taskReferenceName": ref, "type": "DO_WHILE", "loopOver": body}
        if self.chance(0.3):
            items = self.random.choice(["${workflow.input.list}", "${workflow.input.none}"])
            task["loopCondition"] = self.random.choice(["", "true", f"$.{ref}['iteration'] < 2"])
            if self.chance(0.7):
                task |= {"items": items, "inputParameters": {}}
            else:
                task["inputParameters"] = {"_items": items}
            body[0].setdefault("inputParameters", {})["item"] = f"${{{ref}.output.loopItem}}"
        else:
            task["inputParameters"] = {"limit": self.random.randint(1, 3)}
            task["loopCondition"] = f"$.{ref}['iteration'] < $.limit"
            if self.chance(0.2):
                task["loopCondition"] = f"if ($.{ref}['iteration'] < $.limit) {{ true; }} else {{ false; }}"
        if self.chance(0.2):
            task["inputParameters"]["keepLastN"] = 1
        known += [*own[len(known) :], ref] if self.chance(0.5) else [ref]
        return [task]

    def sub_workflow(self, place: Place, known: list[str]) -> list[Document]:
        ref = self.ref("sub")
        own: list[str] = []
        name = f"{PREFIX}{ref}_child"
        body = self.block(place.inside(in_child=True), own, self.random.randint(1, 2))
        child: Document = {"name": name, "version": 1, "schemaVersion": 2, "tasks": body}
        if self.chance(0.4):
            child["outputParameters"] = {"from": self.expression(own)}
        parameters: Document = {"name": name, "version": 1}
        if self.chance(0.5):
            parameters["workflowDefinition"] = child
        else:
            self.workflows.append(child)
        task: Document = {
            "name": "sub",
            "taskReferenceName": ref,
            "type": "SUB_WORKFLOW",
            "subWorkflowParam": parameters,
            "inputParameters": {**self.inputs(known), "case": "${workflow.input.case}", "list": [1, 2]},
        }
        if self.chance(0.12):
            task["optional"] = True
        known.append(ref)
        return [task]

    def dynamic_fork(self, place: Place, known: list[str]) -> list[Document]:
        ref = self.ref("dynamic")
        names = [self.simple(place.inside(in_fork=True), known) for _ in range(self.random.randint(0, 3))]
        for task in names:
            self.tame(task)
        refs = [task["taskReferenceName"] for task in names]
        inputs = {one: self.inputs(known) for one in refs}
        for task in names:
            task.pop("inputParameters")
        fork: Document = {
            "name": "dynamic_fork",
            "taskReferenceName": ref,
            "type": "FORK_JOIN_DYNAMIC",
            "dynamicForkTasksParam": "tasks",
            "dynamicForkTasksInputParamName": "inputs",
            "inputParameters": {"tasks": names, "inputs": inputs},
        }
        if refs and self.chance(0.3):
            fork["inputParameters"] = {
                "forkTaskName": names[0]["name"],
                "forkTaskInputs": [{"x": index} for index in range(self.random.randint(0, 3))],
            }
        join: Document = {"name": "join", "taskReferenceName": self.ref("join"), "type": "JOIN", "joinOn": []}
        known.append(join["taskReferenceName"])
        return [fork, join]


def _hangs_when_rerun(task: Document) -> bool:
    return "JOIN" in task["type"] or (task["type"] == "WAIT" and "duration" in task.get("inputParameters", {}))


def generate(seed: int) -> Case:
    """Draw the case of a seed: at most about 14 blocks, nested at most four deep."""
    return Generator(seed=seed, budget=random.Random(f"size {seed}").choice([2, 4, 6, 9, 14])).case()
