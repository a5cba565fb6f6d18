"""Tasks that hold no other tasks, and how their workers misbehave."""

from __future__ import annotations

from dataclasses import dataclass

from k1n_parity.draws import Draws, Place
from pytest_k1n.conformance.cases import PREFIX, Action, Document

FATAL = ("FAILED", "FAILED_WITH_TERMINAL_ERROR")


@dataclass(slots=True, kw_only=True)
class Leaves(Draws):
    """Draws single tasks, each as a sequence; `known` gains the refs that are certain to run."""

    def one_simple(self, place: Place, known: list[str]) -> list[Document]:
        task = self.simple(place, known)
        known.append(task["taskReferenceName"])
        return [task]

    def simple(self, place: Place, known: list[str], *, plain: bool = False) -> Document:
        ref = self.ref("t")
        task: Document = {"name": f"{PREFIX}{ref}", "taskReferenceName": ref, "type": "SIMPLE"}
        task["inputParameters"] = self.inputs(known)
        definition: Document = {"name": task["name"], "retryCount": 0, "retryDelaySeconds": 0}
        if plain or self.chance(0.6):
            self.tasks[task["name"]] = definition
            if self.chance(0.3):
                self.script[ref] = (Action(output=self.output()),)
            return task
        if self.chance(0.25):
            task["optional"] = True
        elif self.chance(0.15):
            task["permissive"] = True
        self.tasks[task["name"]] = definition
        self.misbehave(ref, task, definition, place)
        return task

    def misbehave(self, ref: str, task: Document, definition: Document, place: Place) -> None:
        retries = definition["retryCount"] = self.random.choice([0, 1, 1, 2])
        if self.chance(0.3):
            task["retryCount"] = retries = self.random.choice([0, 1, 2])
        if self.chance(0.4) and self.waits < 3:
            self.waits += 1
            definition["retryDelaySeconds"] = 1
            definition["retryLogic"] = self.random.choice(["FIXED", "LINEAR_BACKOFF", "EXPONENTIAL_BACKOFF"])
            if self.chance(0.3):
                definition["backoffScaleFactor"] = 2
            if self.chance(0.5):
                definition["maxRetryDelaySeconds"] = 1
        kind = self.random.choices(
            ["once", "always", "terminal", "callback", "hang", "ignore", "canceled", "delay", "late"],
            [5, 3, 1.5, 1.2, 1.5, 1, 0.3, 0.5, 0.5],
        )[0]
        if kind in ("hang", "ignore", "late", "callback", "delay"):
            self.waits += 1
        bad = Action(status="FAILED", reason=self.random.choice(["broken", None]), output=self.output())
        if kind == "once":
            self.script[ref] = (bad,) * self.random.randint(1, max(1, retries))
        elif kind == "always":
            self.script[ref] = (bad,) * (retries + 1)
        elif kind == "terminal":
            self.script[ref] = (Action(status="FAILED_WITH_TERMINAL_ERROR", reason="final"),)
        elif kind == "canceled":
            self.script[ref] = (Action(status="CANCELED", reason="not wanted"),)
        elif kind == "callback":
            self.script[ref] = (Action(kind="callback", seconds=self.random.choice([0, 1]), output={"partial": 1}),)
        elif kind == "delay":
            task["startDelay"] = 1
        elif kind == "hang":
            self.silences += 1
            definition["responseTimeoutSeconds"] = 1
            if self.chance(0.5):
                definition["timeoutSeconds"] = self.random.choice([1, 2])
                definition["timeoutPolicy"] = self.random.choice(["RETRY", "TIME_OUT_WF", "ALERT_ONLY"])
            self.script[ref] = (Action(kind="hang"),) * self.random.choice([1, 1, 2])
        elif kind == "late":
            self.silences += 1
            definition |= {"timeoutSeconds": 1, "timeoutPolicy": "ALERT_ONLY", "responseTimeoutSeconds": 1}
            self.script[ref] = (Action(kind="hang", output=self.output()),)
        elif kind == "ignore" and not place.in_fork and not place.in_loop and not self.silences:
            self.silences += 1
            definition["pollTimeoutSeconds"] = 1
            definition["timeoutPolicy"] = self.random.choice(["RETRY", "TIME_OUT_WF", "ALERT_ONLY"])
            self.script[ref] = (Action(kind="ignore"),)

    def tame(self, task: Document) -> None:
        """Let most tasks that a JOIN looks at succeed: the real server's JOIN races with the retry of a failed one."""
        if task["type"] in ("SIMPLE", "DYNAMIC") and self.chance(0.75):
            actions = self.script.get(task["taskReferenceName"], ())
            if any(action.kind == "hang" or action.status != "COMPLETED" for action in actions):
                del self.script[task["taskReferenceName"]]

    def dynamic(self, place: Place, known: list[str]) -> list[Document]:
        task = self.simple(place, known)
        real = task["name"]
        task |= {"name": f"{real}_dynamic", "type": "DYNAMIC", "dynamicTaskNameParam": "which"}
        # retries and timeouts come from the definition of the workflow task's own name
        self.tasks[task["name"]] = {**self.tasks[real], "name": task["name"]}
        task["inputParameters"]["which"] = real
        known.append(task["taskReferenceName"])
        return [task]

    def set_variable(self, place: Place, known: list[str]) -> list[Document]:
        name = f"v{self.random.randint(0, 2)}"
        self.variables.append(name)
        return [self.operator("SET_VARIABLE", "set", {name: self.expression(known)})]

    def inline(self, place: Place, known: list[str]) -> list[Document]:
        expression = self.random.choice(
            [
                "$.x + 1",
                "(function () { return {twice: $.x * 2, y: $.y}; })()",
                "$.list.length",
                "[1, $.x]",
                "null",
                "'t' + $.x",
                "$.x > 0",
                "$.x / 2",
                "throw new Error('no')",
                "$.nothing.at.all",
            ]
        )
        task = self.operator(
            "INLINE", "inline", {"x": self.random.choice([1, 3]), "y": self.expression(known), "list": [4]}
        )
        task["inputParameters"] |= {
            "evaluatorType": self.random.choice(["javascript", "graaljs"]),
            "expression": expression,
        }
        if self.chance(0.3):
            task["optional"] = True
        known.append(task["taskReferenceName"])
        return [task]

    def jq(self, place: Place, known: list[str]) -> list[Document]:
        expression = self.random.choice(
            [
                ".x + 1",
                "{twice: (.x * 2)}",
                ".list[]",
                ".list | map(. + 1)",
                ".none",
                "empty",
                ".list | add",
                ".y",
                "[.list[] | select(. > 1)]",
            ]
        )
        task = self.operator("JSON_JQ_TRANSFORM", "jq", {"x": 5, "list": [1, 2, 3], "y": self.expression(known)})
        task["inputParameters"]["queryExpression"] = expression
        if self.chance(0.3):
            task["optional"] = True
        known.append(task["taskReferenceName"])
        return [task]

    def timed_wait(self, place: Place, known: list[str]) -> list[Document]:
        self.waits += 1
        return [self.operator("WAIT", "wait", {"duration": self.random.choice(["1 s", "1 seconds", "2s"])})]

    def external(self, place: Place, known: list[str]) -> list[Document]:
        task = self.operator(self.random.choice(["WAIT", "HUMAN"]), "external", self.inputs(known))
        ref = task["taskReferenceName"]
        if self.chance(0.15):
            self.script[ref] = (Action(status=self.random.choice(FATAL), reason="declined"),)
        elif self.chance(0.1):
            self.script[ref] = (Action(kind="ignore"),)
        known.append(ref)
        return [task]

    def noop(self, place: Place, known: list[str]) -> list[Document]:
        return [self.operator("NOOP", "noop", {})]

    def terminate(self, place: Place, known: list[str]) -> list[Document]:
        status = self.random.choice(["COMPLETED", "FAILED", "TERMINATED"])
        inputs: Document = {"terminationStatus": status}
        if self.chance(0.5):
            inputs["terminationReason"] = "because"
        if self.chance(0.5):
            inputs["workflowOutput"] = self.random.choice([{"result": self.expression(known)}, "${workflow.input.a}"])
        return [self.operator("TERMINATE", "terminate", inputs)]

    def operator(self, kind: str, prefix: str, inputs: Document) -> Document:
        return {"name": prefix, "taskReferenceName": self.ref(prefix), "type": kind, "inputParameters": inputs}
