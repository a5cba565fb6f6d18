"""For every check of `k1n lint` definitions that have the defect, and some that look like it and are sound."""

from __future__ import annotations

from typing import Any, NamedTuple

Definition = dict[str, Any]
ROUNDS = "if ($.l['iteration'] < 3) { true; } else { false; }"


class Examples(NamedTuple):
    """Definitions (or texts of files) in which a check finds something, and in which it does not."""

    bad: list[Any]
    good: list[Any]


def task(ref: str, kind: str = "SIMPLE", **fields: Any) -> Definition:
    return {"name": f"lint_{ref}", "taskReferenceName": ref, "type": kind, **fields}


def reader(ref: str, *expressions: str, **inputs: Any) -> Definition:
    return task(ref, inputParameters={**{f"x{n}": each for n, each in enumerate(expressions)}, **inputs})


def workflow(*tasks: Definition, **fields: Any) -> Definition:
    ends = {"timeoutSeconds": 3600, "timeoutPolicy": "TIME_OUT_WF"}
    return {"name": "lint_w", "version": 1, "schemaVersion": 2, "tasks": list(tasks), **ends, **fields}


def definition(name: str = "lint_t", **fields: Any) -> Definition:
    sound = {
        "retryCount": 1,
        "retryDelaySeconds": 5,
        "timeoutSeconds": 60,
        "responseTimeoutSeconds": 30,
        "timeoutPolicy": "RETRY",
    }
    return {"name": name, **sound, **fields}


def fork(*branches: list[Definition], ref: str = "f") -> Definition:
    return task(ref, "FORK_JOIN", forkTasks=list(branches))


def join(*refs: str, ref: str = "j", **fields: Any) -> Definition:
    return task(ref, "JOIN", joinOn=list(refs), **fields)


def switch(cases: Definition, default: list[Definition] | None = None, ref: str = "s", **fields: Any) -> Definition:
    by = {"evaluatorType": "value-param", "expression": "k", "inputParameters": {"k": "${workflow.input.k}"}}
    return task(ref, "SWITCH", decisionCases=cases, defaultCase=default or [], **{**by, **fields})


def switch_by(script: str, **inputs: Any) -> Definition:
    return switch({"x": [B]}, evaluatorType="javascript", expression=script, inputParameters=inputs)


def switch_for(script: str, *cases: str) -> Definition:
    """A switch by a script with inputs of the names that are used here."""
    inputs = {"s": "${workflow.input.s}", "t": "${workflow.input.t}"}
    return switch({case: [B] for case in cases}, evaluatorType="javascript", expression=script, inputParameters=inputs)


def loop(*body: Definition, ref: str = "l", condition: str = ROUNDS, **fields: Any) -> Definition:
    return task(ref, "DO_WHILE", loopCondition=condition, loopOver=list(body), **fields)


def inline(script: str, ref: str = "i", **inputs: Any) -> Definition:
    return task(ref, "INLINE", inputParameters={"evaluatorType": "graaljs", "expression": script, **inputs})


def child(ref: str = "c", *, name: str = "lint_child", version: int | None = 1, **fields: Any) -> Definition:
    pinned = {} if version is None else {"version": version}
    return task(ref, "SUB_WORKFLOW", subWorkflowParam={"name": name, **pinned, **fields})


def terminate(ref: str = "t", **fields: Any) -> Definition:
    return task(ref, "TERMINATE", inputParameters={"terminationStatus": "COMPLETED"}, **fields)


def ended_with(output: Any) -> Definition:
    return task("t", "TERMINATE", inputParameters={"terminationStatus": "COMPLETED", "workflowOutput": output})


def without(document: Definition, *keys: str) -> Definition:
    return {key: value for key, value in document.items() if key not in keys}


A, B, C = task("a"), task("b"), task("c")
DYNAMIC_FORK = task(
    "d",
    "FORK_JOIN_DYNAMIC",
    dynamicForkTasksParam="tasks",
    dynamicForkTasksInputParamName="inputs",
    inputParameters={"tasks": "${plan.output.tasks}", "inputs": "${plan.output.inputs}"},
)
SOUND = workflow(A, fork([B], [C]), join("b", "c"), reader("z", "${a.output.x}", "${workflow.input.k}"))


KAFKA = {"topic": "t", "bootStrapServers": "127.0.0.1:9", "value": "v"}


def http(**fields: Any) -> Definition:
    """A HTTP task whose request is sound but for what is given."""
    request = {"uri": "http://example.com/x", "method": "GET", **fields}
    return task("h", "HTTP", inputParameters={"http_request": request})


def dynamic_fork(**inputs: Any) -> Definition:
    """A fork that makes its tasks of its input alone."""
    return task("f", "FORK_JOIN_DYNAMIC", inputParameters=inputs)


def fork_over(tasks: Any, inputs: Any = None) -> Definition:
    """A fork over a list of tasks and the inputs of each."""
    given = {"t": tasks, "i": {} if inputs is None else inputs}
    return task("f", "FORK_JOIN_DYNAMIC", dynamicForkTasksParam="t", dynamicForkTasksInputParamName="i",
                inputParameters=given)  # fmt: skip


EXAMPLES: dict[str, Examples] = {
    "not-json": Examples(
        bad=[
            "{",
            '{"name": "w", "tasks": [{"taskReferenceName": "a"},]}',
            '{"taskReferenceName": "a" // comment\n}',
            "{'tasks': []}",
            '{"tasks": [NaN]}',
            "",
            '{"tasks": ' + "[" * 1100 + "]" * 1100 + "}",
        ],
        good=[SOUND],
    ),
    "newer-than-server": Examples(
        bad=[
            workflow(loop(B, inputParameters={"keepLastN": 2})),
            workflow(loop(B, items="${workflow.input.list}")),
            workflow(loop(B, inputParameters={"_items": "${workflow.input.list}"})),
            workflow({**A, "permissive": True}),
            workflow(A, failureWorkflow="lint_f", failureWorkflowVersion=1),
            workflow(fork([A], [B]), join("a", "b", joinMode="SYNC")),
            workflow(dynamic_fork(forkTaskName="lint_x", forkTaskInputs=[{"a": 1}]), join()),
            workflow(task("t", "TERMINATE", inputParameters={"terminationStatus": "TERMINATED"})),
            workflow(task("s", "SUB_WORKFLOW", subWorkflowParam={"name": "lint_c", "version": 1, "priority": 3})),
            workflow(
                task("s", "SUB_WORKFLOW", subWorkflowParam={"name": "lint_c", "version": 1, "idempotencyKey": "k"})
            ),
            workflow(reader("a", "${workflow.secrets.token}")),
            workflow(task("i", "INLINE", inputParameters={"evaluatorType": "graaljs", "expression": "1"})),
            workflow({**A, "taskDefinition": definition("lint_a", totalTimeoutSeconds=60)}),
        ],
        good=[
            workflow(loop(B)),
            workflow({**A, "permissive": False}),
            workflow(fork([A], [B]), join("a", "b")),
            workflow(task("t", "TERMINATE", inputParameters={"terminationStatus": "FAILED"})),
            workflow(task("s", "SUB_WORKFLOW", subWorkflowParam={"name": "lint_c", "version": 1})),
            workflow(task("plan"), DYNAMIC_FORK, join()),
            workflow({**A, "taskDefinition": definition("lint_a", totalTimeoutSeconds=0)}),
            workflow(reader("a", "${workflow.input.secrets}")),
            workflow(task("i", "INLINE", inputParameters={"evaluatorType": "javascript", "expression": "1"})),
            SOUND,
        ],
    ),
    "newer-limit": Examples(
        bad=[
            definition(totalTimeoutSeconds=60),
            definition(maxRetryDelaySeconds=60),
            definition(backoffJitterMs=60),
            [definition("lint_x"), definition("lint_y", totalTimeoutSeconds=600)],
            definition(totalTimeoutSeconds=60, backoffJitterMs=1),
        ],
        good=[definition(), definition(totalTimeoutSeconds=0), definition(backoffJitterMs=None)],
    ),
    "repeated-key": Examples(
        bad=[
            '{"name": "w", "name": "v", "tasks": [{"name": "a", "taskReferenceName": "a"}]}',
            '{"name": "w", "tasks": [{"name": "a", "taskReferenceName": "a", "type": "SIMPLE", "type": "WAIT"}]}',
            '{"name": "w", "tasks": [{"name": "a", "taskReferenceName": "a", "inputParameters": {"x": 1, "x": 2}}]}',
            '{"name": "w", "tasks": [{"name": "s", "taskReferenceName": "s", "type": "SWITCH", "decisionCases": '
            '{"a": [], "a": []}}]}',
            '{"name": "t", "retryCount": 1, "retryCount": 2}',
        ],
        good=[SOUND, '{"note": 1, "note": 2}', workflow(reader("a", x={"k": 1}, y={"k": 2}))],
    ),
    "duplicate-definition": Examples(
        bad=[
            [workflow(A), workflow(B)],
            [workflow(A), workflow(A)],
            [workflow(A), without(workflow(B), "version")],
            [workflow(A, version=3), workflow(A), workflow(B, version=3)],
            [definition(), definition(retryCount=2)],
            [definition("lint_x"), workflow(A), definition("lint_x")],
        ],
        good=[
            SOUND,
            [workflow(A), workflow(B, version=2)],
            [workflow(A), workflow(A, name="lint_v")],
            [definition("lint_w"), workflow(A)],
            workflow(child(workflowDefinition=workflow(A))),
            [definition("lint_x"), definition("lint_y")],
        ],
    ),
    "wrong-type": Examples(
        bad=[
            workflow(A, timeoutSeconds="soon"),
            workflow(A, timeoutPolicy="RETRY"),
            workflow({**A, "inputParameters": ["x"]}),
            workflow({**A, "optional": "perhaps"}),
            workflow(fork([A, "b"]), join("a")),
            workflow(switch({"x": A})),
            workflow(A, inputParameters={"x": 1}),
            workflow(A, tasks="none", name="w", version=1),
            workflow(task("j", "JOIN", joinOn="a")),
            workflow({**A, "type": None}),
            definition(retryLogic="LINEAR"),
            definition(timeoutPolicy="TIMEOUT"),
            definition(retryCount=[3]),
            workflow(switch({"x": [A]}) | {"defaultCase": None}),
            workflow(loop(switch({"x": [A]}) | {"defaultCase": None})),
            workflow(
                fork([task("s", "DECISION", caseValueParam="k", decisionCases={"x": [A]}, defaultCase=None)], [B]),
                join("b"),
            ),
            workflow(task("w", "WAIT", inputParameters=None)),
        ],
        good=[
            workflow(A | {"defaultCase": None, "decisionCases": None, "inputParameters": None}),
            workflow(loop(task("w", "WAIT", inputParameters=None))),
            workflow(child(workflowDefinition=workflow(switch({"x": [A]}) | {"defaultCase": None}))),
            SOUND,
            workflow(A, timeoutSeconds="3600"),
            workflow({**A, "optional": "true"}, version="2"),
            workflow({**A, "retryCount": None, "joinOn": None}, description=None),
            definition(retryCount="3"),
            workflow(child(workflowDefinition="${workflow.input.definition}")),
        ],
    ),
    "no-name": Examples(
        bad=[
            without(workflow(A), "name"),
            workflow(A, name=""),
            workflow(without(A, "taskReferenceName")),
            workflow({**A, "name": ""}),
            workflow(fork([without(A, "name")], [B]), join("a", "b")),
            workflow(switch({"x": [without(A, "taskReferenceName")]})),
        ],
        good=[SOUND, definition()],
    ),
    "no-tasks": Examples(
        bad=[
            workflow(),
            {"name": "w", "version": 1, "tasks": []},
            {"name": "w", "tasks": []},
            [workflow(), SOUND],
            {"workflowDef": workflow(), "name": "x"},
        ],
        good=[SOUND],
    ),
    "bad-schema": Examples(
        bad=[
            definition(inputSchema={"name": "s", "type": "JSON", "data": {"type": "objekt"}}),
            definition(outputSchema={"name": "s", "type": "JSON", "data": {"required": "x"}}),
            definition(outputSchema={"name": "s", "data": {"minimum": "1"}}),
            workflow(A, inputSchema={"name": "s", "type": "JSON", "data": {"properties": []}}),
            workflow(A, outputSchema={"name": "s", "type": "JSON", "data": {"enum": 1}}),
        ],
        good=[definition(inputSchema={"name": "s", "type": "JSON", "data": {"type": "object"}})],
    ),
    "schema-version": Examples(
        bad=[workflow(A, schemaVersion=version) for version in (1, 0, 3, "1", -2)],
        good=[SOUND, without(workflow(A), "schemaVersion")],
    ),
    "duplicate-ref": Examples(
        bad=[
            workflow(A, A),
            workflow(A, fork([B], [A]), join("b", "a")),
            workflow(switch({"x": [A], "y": [A]})),
            workflow(switch({"x": [A]}, [task("a", "NOOP")])),
            workflow(loop(A), A),
            workflow(fork([A], [B]), join("a", "b"), fork([C], [B]), join("c", "b")),
        ],
        good=[SOUND, workflow(A, {**B, "name": "lint_a"}), workflow(child(workflowDefinition=workflow(A)), A)],
    ),
    "missing-field": Examples(
        bad=[
            workflow(without(switch({"x": [A]}), "evaluatorType")),
            workflow(without(switch({"x": [A]}), "expression")),
            workflow(without(loop(A), "loopCondition")),
            workflow(task("l", "DO_WHILE", loopCondition="true", loopOver=[])),
            workflow(task("h", "HTTP", inputParameters={"method": "GET"})),
            workflow(task("h", "HTTP")),
            workflow(task("e", "EVENT")),
            workflow(task("q", "JSON_JQ_TRANSFORM", inputParameters={"x": 1})),
            workflow(task("c", "SUB_WORKFLOW")),
            workflow(task("d", "DYNAMIC")),
            workflow(task("d", "FORK_JOIN_DYNAMIC"), task("j", "JOIN")),
            workflow(task("d", "DECISION", decisionCases={"x": [A]})),
            workflow(loop(task("h", "HTTP"))),
            workflow(switch({"x": [task("e", "EVENT")]})),
        ],
        good=[
            SOUND,
            workflow(task("h", "HTTP", inputParameters={"uri": "http://example.com", "method": "GET"})),
            workflow(http()),
            workflow(loop(A, condition="", items="${workflow.input.xs}")),
            workflow(task("plan"), DYNAMIC_FORK, task("j", "JOIN")),
        ],
    ),
    "no-cases": Examples(
        bad=[
            workflow(switch({})),
            workflow(switch({}, [A])),
            workflow(fork(), task("j", "JOIN")),
            workflow(task("f", "FORK_JOIN"), task("j", "JOIN")),
            workflow(A, switch({"x": [switch({}, [B], ref="t")]})),
        ],
        good=[SOUND, workflow(switch({"x": []}, [A])), workflow(switch({"x": [A]}))],
    ),
    "bad-terminate": Examples(
        bad=[
            workflow(task("t", "TERMINATE")),
            workflow(task("t", "TERMINATE", inputParameters={"terminationStatus": "DONE"})),
            workflow(task("t", "TERMINATE", inputParameters={"terminationStatus": "${workflow.input.s}"})),
            workflow(terminate(optional=True)),
            workflow(loop(task("t", "TERMINATE", inputParameters={}))),
            workflow(switch({"x": [terminate(optional=True)]})),
        ],
        good=[workflow(terminate()), workflow(task("t", "TERMINATE", inputParameters={"terminationStatus": "FAILED"}))],
    ),
    "bad-wait": Examples(
        bad=[
            workflow(task("w", "WAIT", inputParameters={"duration": "1 minutes", "until": "2030-01-01"})),
            workflow(task("w", "WAIT", inputParameters={"duration": "soon"})),
            workflow(task("w", "WAIT", inputParameters={"until": "tomorrow"})),
            workflow(loop(task("w", "WAIT", inputParameters={"duration": "1 s", "until": "2030-01-01"}))),
            workflow(switch({"x": [task("w", "WAIT", inputParameters={"duration": "5 lightyears"})]})),
        ],
        good=[
            workflow(task("w", "WAIT")),
            workflow(task("w", "WAIT", inputParameters={"duration": "1 days 2 hours"})),
            workflow(task("w", "WAIT", inputParameters={"duration": "${workflow.input.for}"})),
            workflow(task("w", "WAIT", inputParameters={"until": "2030-01-01 10:00 UTC"})),
        ],
    ),
    "refused": Examples(
        bad=[
            workflow({**A, "startDelay": -1}),
            workflow(switch({"x": [{**A, "startDelay": -5}]})),
            workflow(fork([{**A, "startDelay": -1}], [B]), join("a", "b")),
            workflow(A, {**B, "startDelay": -100}),
            workflow(
                task("p"),
                {**DYNAMIC_FORK, "dynamicForkJoinTasksParam": "all", "inputParameters": {"all": "${p.output}"}},
                task("j", "JOIN"),
            ),
        ],
        good=[SOUND, workflow({**A, "startDelay": 5})],
    ),
    "malformed-expression": Examples(
        bad=[
            workflow(A, reader("b", "${a.output.x y}")),
            workflow(A, reader("b", "${ a.output.x }")),
            workflow(A, reader("b", "${}")),
            workflow(A, reader("b", "${a.output.x")),
            workflow(A, reader("b", deep={"inner": ["${a.output.x y}"]})),
            workflow(A, reader("b", "and ${a. output}")),
        ],
        good=[
            SOUND,
            workflow(A, reader("b", "$${a.output.x y}", "${a.output['x y']}")),
            workflow(A, reader("b", "${a.output.${workflow.input.key}}")),
        ],
    ),
    "unknown-ref": Examples(
        bad=[
            workflow(A, reader("b", "${aa.output.x}")),
            workflow(A, reader("b", deep=[{"k": "got ${nope.output.x}"}])),
            workflow(switch({"x": [reader("a", "${nope.output.x}")]})),
            workflow(A, outputParameters={"result": "${b.output.x}"}),
            workflow(loop(reader("a", "${nope.output}"))),
            workflow(fork([reader("a", "${nope.output}")], [B]), join("a", "b")),
            # At the top the server refuses what a dynamic fork brings along, too; elsewhere it does not look.
            workflow(task("plan"), DYNAMIC_FORK, join(), reader("z", "${s1.output.x}")),
            workflow(task("plan"), DYNAMIC_FORK, join(), reader("z", "got ${s1.output.x}!")),
            workflow(task("plan"), DYNAMIC_FORK, join(), switch({"1": [A]}, inputParameters={"k": "${s1.output.x}"})),
            workflow(task("plan"), DYNAMIC_FORK, join(), inline("$.v", v="${s1.output.x}")),
            workflow(task("plan"), DYNAMIC_FORK, join(), task("v", "SET_VARIABLE", inputParameters={"y": "${s1}"})),
            workflow(loop(A), reader("z", "${a__1.output.x}")),
            workflow(loop(A, reader("b", "${a__1.output.x}"))),
            workflow(loop(A), outputParameters={"x": "${a__1.output.x}"}),
            workflow(loop(reader("a", "${loopItem}"), items="${workflow.input.xs}")),
            workflow(loop(reader("a", "n ${loopIndex}", deep=["${loopItem.id}"]), items="${workflow.input.xs}")),
            workflow(loop(A, items="${workflow.input.xs}"), reader("z", "${loopItem}")),
        ],
        good=[
            SOUND,
            workflow(task("plan"), DYNAMIC_FORK, join(), switch({"x": [reader("z", "${s1.output.x}")]})),
            workflow(
                task("plan"), DYNAMIC_FORK, join(), fork([reader("z", "${s1.output}")], [A]), join("z", "a", ref="k")
            ),
            workflow(task("plan"), DYNAMIC_FORK, join(), loop(reader("z", "${s1.output.x}"))),
            workflow(task("plan"), DYNAMIC_FORK, join(), reader("z", "${j.output.s1.x}", "${j.output['s1'].x}")),
            workflow(task("plan"), DYNAMIC_FORK, join(), reader("z", "${${plan.output.first}.output.x}")),
            workflow(loop(reader("a", "${l.output.loopItem}", "${l.output.loopIndex}"), items="${workflow.input.xs}")),
            workflow(loop(A), reader("z", "${l.output.1.a.x}", "${l.output['2'].a.x}", "${a.output.x}")),
            workflow(task("loopItem"), reader("z", "${loopItem.output.x}")),
            workflow(A, reader("b", "${workflow.input.x}", "${CPEWF_TASK_ID}", "$${nope.output}")),
            workflow(task("plan"), DYNAMIC_FORK, task("j", "JOIN"), outputParameters={"s": "${s1.output}"}),
            workflow(child(workflowDefinition=workflow(task("q"), reader("r", "${q.output.x}")))),
        ],
    ),
    "unknown-field": Examples(
        bad=[
            workflow(A, reader("b", "${a.result}")),
            workflow(A, reader("b", "${a.outputs.x}")),
            workflow(A, reader("b", "${workflow.inputs.x}")),
            workflow(A, reader("b", "${a.outputData.x}")),
            workflow(A, outputParameters={"x": "${workflow.createTime}"}),
        ],
        good=[
            workflow(A, reader("b", "${a}", "${a.status}", "${a.output}", "${workflow.workflowId}")),
            workflow(reader("b", "${workflow.secrets.KEY}", "${workflow.env.X}", "${workflow.variables.n}")),
        ],
    ),
    "no-braces": Examples(
        bad=[
            workflow(reader("a", "$workflow.input.orderId")),
            workflow(reader("a", "workflow.input.order.id")),
            workflow(
                task(
                    "h",
                    "HTTP",
                    inputParameters={
                        "http_request": {
                            "uri": "http://example.com",
                            "method": "POST",
                            "body": {"id": "$workflow.input.id"},
                        }
                    },
                )
            ),
            workflow(A, outputParameters={"x": "workflow.variables.total"}),
            workflow(reader("a", body=["x", {"deep": "$workflow.input.k"}])),
        ],
        good=[
            workflow(
                reader("a", "${workflow.input.orderId}", "say workflow.input.x", "$workflow.input.x!", "workflow.input")
            ),
            workflow(A, failureWorkflow="$workflow.input.undo"),
            workflow(
                task("i", "INLINE", inputParameters={"evaluatorType": "javascript", "expression": "workflow.input.k"})
            ),
            workflow(reader("a", jsonPath="workflow.input.k")),
            workflow(reader("a", "workflow.input.csv is read", "http://workflow.input.x/y", "{{workflow.input.x}}")),
        ],
    ),
    "unknown-output": Examples(
        bad=[
            [
                workflow(child(name="lint_c"), reader("b", "${c.output.reciept}")),
                workflow(A, name="lint_c", outputParameters={"receipt": "${a.output.r}"}),
            ],
            workflow(
                task(
                    "c",
                    "SUB_WORKFLOW",
                    subWorkflowParam={
                        "name": "lint_c",
                        "workflowDefinition": workflow(A, name="lint_c", outputParameters={"x": 1}),
                    },
                ),
                reader("b", "${c.output.y.z}"),
            ),
            [
                workflow(child(name="lint_c", version=2), reader("b", "${c.output.old}")),
                workflow(A, name="lint_c", version=1, outputParameters={"old": 1}),
                workflow(A, name="lint_c", version=2, outputParameters={"new": 1}),
            ],
            [
                workflow(child(name="lint_c"), reader("b", "${c.output['z']}")),
                workflow(A, ended_with({"y": 1}), name="lint_c", outputParameters={"x": 1}),
            ],
            [
                workflow(loop(child(name="lint_c"), condition="$.c['done'] != true")),
                workflow(A, name="lint_c", outputParameters={"isDone": "${a.output.r}"}),
            ],
            workflow(http(), reader("b", "${h.output.body}")),
            workflow(http(), reader("b", "${h.output.response.status}")),
            workflow(http(), outputParameters={"x": "${h.output['statusCode']}"}),
            workflow(inline("1"), reader("b", "it is ${i.output.value}")),
            workflow(
                task("j", "JSON_JQ_TRANSFORM", inputParameters={"queryExpression": "."}), reader("b", "${j.output.x}")
            ),
            workflow(loop(http(), condition="$.h['statusCode'] != 200 && $.l['iteration'] < 3")),
            workflow(loop(A), reader("b", "${l.output.a}")),
            workflow(task("w", "START_WORKFLOW", inputParameters={}), reader("b", "${w.output.id}")),
        ],
        good=[
            [
                workflow(child(name="lint_c"), reader("b", "${c.output.receipt.no}", "${c.output.subWorkflowId}")),
                workflow(A, name="lint_c", outputParameters={"receipt": "${a.output.r}"}),
            ],
            [workflow(child(name="lint_c"), reader("b", "${c.output.x}")), workflow(A, name="lint_c")],
            [
                workflow(child(name="lint_c"), reader("b", "${c.output.x}")),
                workflow(A, name="lint_d", outputParameters={"y": 1}),
            ],
            [
                workflow(
                    task("c", "SUB_WORKFLOW", subWorkflowParam={"name": "lint_c"}), reader("b", "${c.output.old}")
                ),
                workflow(A, name="lint_c", version=1, outputParameters={"old": 1}),
                workflow(A, name="lint_c", version=2, outputParameters={"new": 1}),
            ],
            [
                workflow(child(name="lint_c"), reader("b", "${c.output.y}")),
                workflow(A, ended_with({"y": 1}), name="lint_c", outputParameters={"x": 1}),
            ],
            [
                workflow(child(name="lint_c"), reader("b", "${c.output.y}")),
                workflow(A, ended_with("${a.output}"), name="lint_c", outputParameters={"x": 1}),
            ],
            workflow(
                task(
                    "c",
                    "SUB_WORKFLOW",
                    subWorkflowParam={"name": "lint_c", "version": 1, "workflowDefinition": "${workflow.input.made}"},
                ),
                reader("b", "${c.output.y}"),
            ),
            [
                workflow(child(name="lint_c"), reader("b", "${c.output.a.b}", "${c.output.*}", "${c.output.keys()}")),
                workflow(A, name="lint_c", outputParameters={"a.b": 1}),
            ],
            workflow(http(), reader("b", "${h.output}", "${h.output.response}", "${h.output.response.body.items[0]}")),
            workflow({**http(), "asyncComplete": True}, reader("b", "${h.output.approved}")),
            workflow(inline("1"), reader("b", "${i.output.result.x.y}", "${i.output.keys()}", "${i.output..x}")),
            workflow(loop(http(), condition="$.h['response'].statusCode != 200 && $.l['iteration'] < 3")),
            workflow(loop(A), reader("b", "${l.output.1.a.x}", "${l.output.iteration}", "${l.output['2']}")),
            workflow(task("p", "WAIT"), reader("b", "${p.output.anything}")),
        ],
    ),
    "read-too-early": Examples(
        bad=[
            workflow(reader("a", "${b.output.x}"), B),
            workflow(fork([reader("a", "${j.output.b}")], [B]), join("a", "b")),
            workflow(reader("a", "${c.output.x}"), switch({"x": [B]}), C),
            workflow(loop(reader("a", "${z.output.x}")), task("z")),
            workflow(switch({"x": [reader("a", "${b.output.x}"), B]})),
            workflow(reader("a", "is ${b.output.x}"), fork([B], [C]), join("b", "c")),
            workflow(reader("a", "${b.output.x}"), reader("b", "${a.output.x}")),
            workflow(reader("a", "${b.output.x}"), reader("b", "${c.output.x}"), reader("c", "${a.output.x}")),
            workflow(reader("a", "${a.output.x}")),
            workflow(A, reader("b", "so far ${b.output.total}, ${a.output.x}")),
            workflow(fork([reader("b", "${b.input.x}")], [C]), join("b", "c")),
            workflow(switch({"x": [reader("b", "${b.output}")]})),
        ],
        good=[
            SOUND,
            workflow(loop(reader("a", "${a.output.x}"))),
            workflow(loop(A, inputParameters={"n": "${l.output.iteration}"})),
            workflow(A, reader("b", "${a.input.x}", "${a.output.x}")),
            workflow(loop(reader("a", "${b.output.x}", "${l.output.iteration}", "${l.input.n}"), B)),
            workflow(loop(reader("a", "${l.output.loopItem}", "${l.output.loopIndex}"), items="${workflow.input.xs}")),
            workflow(reader("a", "${a.retryCount}")),
        ],
    ),
    "read-of-other-case": Examples(
        bad=[
            workflow(switch({"x": [A], "y": [reader("b", "${a.output.x}")]})),
            workflow(switch({"x": [A]}, [reader("b", "${a.output.x}")])),
            workflow(switch({"x": [reader("b", "${a.output.x}")]}, [A])),
            workflow(switch({"x": [A, B], "y": [C, reader("d", "${b.output.x}")]})),
            workflow(switch({"x": [switch({"p": [A]}, ref="t")], "y": [reader("b", "${a.output.x}")]})),
        ],
        good=[
            workflow(switch({"x": [A], "y": [B]}), reader("z", "${a.output.x}", "${b.output.x}")),
            workflow(loop(switch({"x": [A], "y": [reader("b", "${a.output.x}")]}))),
            workflow(switch({"x": [A, reader("b", "${a.output.x}", "${s.output.selectedCase}")]})),
        ],
    ),
    "read-in-parallel": Examples(
        bad=[
            workflow(fork([A], [reader("b", "${a.output.x}")]), join("a", "b")),
            workflow(fork([A], [B]), join("a"), reader("z", "${b.output.x}")),
            workflow(fork([A], [B]), join(), reader("z", "${a.output.x}")),
            workflow(fork([A, C], [B, reader("z", "${c.output.x}")]), join("c", "z")),
            workflow(fork([A], [B]), join("b"), task("y"), reader("z", "got ${a.output.x}")),
        ],
        good=[
            SOUND,
            workflow(A, fork([B], [reader("c", "${a.output.x}")]), join("b", "c"), reader("z", "${b.output.x}")),
        ],
    ),
    "variable-never-set": Examples(
        bad=[
            workflow(reader("a", "${workflow.variables.n}")),
            workflow(task("v", "SET_VARIABLE", inputParameters={"m": 1}), reader("a", "${workflow.variables.n}")),
            workflow(A, outputParameters={"n": "${workflow.variables.n.x}"}, variables={"m": 1}),
            workflow(reader("a", "is ${workflow.variables.counter}"), variables={"count": 0}),
            workflow(loop(reader("a", "${workflow.variables.n[0]}"))),
        ],
        good=[
            workflow(task("v", "SET_VARIABLE", inputParameters={"n": 1}), reader("a", "${workflow.variables.n}")),
            workflow(reader("a", "${workflow.variables.n}", "${workflow.variables}"), variables={"n": 1}),
        ],
    ),
    "input-never-read": Examples(
        bad=[
            workflow(A, inputParameters=["unused"]),
            workflow(reader("a", "${workflow.input.used}"), inputParameters=["used", "unused"]),
            workflow(reader("a", "${workflow.input.use}"), inputParameters=["used"]),
            workflow(loop(A), inputParameters=["n"]),
            workflow(A, inputParameters=["x"], outputParameters={"y": "${workflow.input.y}"}),
        ],
        good=[
            workflow(reader("a", "${workflow.input.used.deep[0]}"), inputParameters=["used"]),
            workflow(reader("a", "${workflow.input}"), inputParameters=["anything"]),
            workflow(A, inputParameters=["x"], outputParameters={"y": "${workflow.input['x']}"}),
        ],
    ),
    "input-not-declared": Examples(
        bad=[
            workflow(reader("a", "${workflow.input.other}"), inputParameters=["given"]),
            workflow(reader("a", "${workflow.input.orderID}"), inputParameters=["orderId"]),
            workflow(A, inputParameters=["x"], outputParameters={"y": "${workflow.input.y}"}),
            workflow(loop(reader("a", "is ${workflow.input.n.m}")), inputParameters=["x"]),
            workflow(switch({"x": [A]}), inputParameters=["x"]),
        ],
        good=[
            workflow(reader("a", "${workflow.input.x}")),
            workflow(reader("a", "${workflow.input.x}"), inputParameters=["y"], inputTemplate={"x": 1}),
            workflow(reader("a", "${workflow.input.reason}"), inputParameters=["y"]),
            workflow(reader("a", "${workflow.input.x}"), inputParameters=['{"x": {"value": ""}}']),
        ],
    ),
    "fork-without-join": Examples(
        bad=[
            workflow(fork([A], [B])),
            workflow(fork([A], [B]), C),
            workflow(task("plan"), DYNAMIC_FORK),
            workflow(fork([fork([A], [B], ref="g")], [C]), join("g", "c")),
            workflow(loop(fork([A], [B]))),
            workflow(fork([A], [B]), C, join("a", "b")),
        ],
        good=[SOUND, workflow(task("plan"), DYNAMIC_FORK, task("j", "JOIN"))],
    ),
    "empty-branch": Examples(
        bad=[
            workflow(fork([A], []), join("a")),
            workflow(fork([]), task("j", "JOIN")),
            workflow(fork([], [A], [B]), join("a", "b")),
            workflow(switch({"x": [fork([A], []), join("a")]})),
            workflow(fork([fork([], [B], ref="g"), join("b", ref="i")], [A]), join("i", "a")),
        ],
        good=[SOUND],
    ),
    "join-on-nothing": Examples(
        bad=[
            workflow(fork([A], [B]), join(), C),
            workflow(fork([A], [B]), task("j", "JOIN"), C),
            workflow(fork([A], [B]), join()),
            workflow(fork([A], [B]), {**join(), "joinOn": None}),
            workflow(loop(fork([A], [B]), join())),
            workflow(switch({"x": [fork([A], [B]), join(), C]})),
        ],
        good=[SOUND, workflow(task("plan"), DYNAMIC_FORK, join()), workflow(A, join())],
    ),
    "branch-not-joined": Examples(
        bad=[
            workflow(fork([A], [B]), join("a"), C),
            workflow(fork([A, C], [B]), join("a", "b")),
            workflow(fork([A], [switch({"x": [B]})]), join("a", "s"), C),
            workflow(fork([A], [B], [C]), join("a", "b"), task("z")),
            workflow(fork([A], [fork([B], [C], ref="g"), join("b", "c", ref="i")]), join("a", "b"), task("z")),
            workflow(fork([A, B], [C]), join("c")),
        ],
        good=[
            SOUND,
            workflow(fork([A], [loop(B)]), join("a", "l")),
            workflow(fork([A], [switch({"x": [B]}), task("n", "NOOP")]), join("a", "n")),
            workflow(fork([A], [fork([B], [C], ref="g"), join("b", "c", ref="i")]), join("a", "i")),
            workflow(fork([A], [terminate()]), join("a")),
        ],
    ),
    "join-on-unknown": Examples(
        bad=[
            workflow(fork([A], [B]), join("a", "bb")),
            workflow(fork([A], [B]), join("a", "b", "j")),
            workflow(fork([A], [B]), join("a", "b", "z"), task("z")),
            workflow(fork([A], [B]), join("lint_a", "lint_b")),
            workflow(switch({"x": [fork([A], [B]), join("a", "c")]})),
            workflow(fork([loop(A)], [B]), join("a__99", "b")),
            workflow(loop(A), join("a__1")),
            workflow(fork([A], [B]), join("a__1", "b")),
            workflow(fork([loop(A)], [B]), join("c__1", "b")),
            workflow(fork([loop(A)], [B]), join("a__0", "b")),
            workflow(fork([A], [B, terminate(), C]), join("d", "c")),
        ],
        good=[
            SOUND,
            workflow(task("plan"), DYNAMIC_FORK, join("j")),
            workflow(task("plan"), DYNAMIC_FORK, join("s1", "s2"), C),
            workflow(task("plan"), DYNAMIC_FORK, join("nowhere")),
            workflow(task("plan"), DYNAMIC_FORK, join("plan"), C),
            workflow(task("plan"), DYNAMIC_FORK, join("c"), C),
            workflow(task("plan"), DYNAMIC_FORK, join(), join("s1", ref="j2")),
            workflow(task("plan"), fork([DYNAMIC_FORK, join("j")], [B]), join("j", "b", ref="j2")),
            workflow(loop(task("plan"), DYNAMIC_FORK, join())),
            workflow(A, join("a")),
        ],
    ),
    "join-on-case": Examples(
        bad=[
            workflow(fork([A], [switch({"x": [B], "y": [C]})]), join("a", "b")),
            workflow(fork([A], [switch({"x": [B]}, [C])]), join("a", "b", "c")),
            workflow(fork([A], [switch({"x": [task("p"), B]})]), join("a", "b")),
            workflow(fork([A], [switch({"x": [switch({"p": [B]}, ref="t")]})]), join("a", "b")),
            workflow(switch({"x": [A]}), join("a")),
        ],
        good=[
            workflow(fork([A], [switch({"x": [B]}), task("n", "NOOP")]), join("a", "n")),
            workflow(fork([A], [switch({"x": [B]}, [terminate()])]), join("a", "b")),
            workflow(switch({"x": [fork([A], [B]), join("a", "b")]})),
        ],
    ),
    "join-across-loop": Examples(
        bad=[
            workflow(fork([A], [loop(B)]), join("a", "b")),
            workflow(fork([loop(A)], [loop(B, ref="m", condition="$.m['iteration'] < 2")]), join("a", "b")),
            workflow(fork([A], [loop(C, B)]), join("a", "b")),
            workflow(fork([A], [loop(B), C]), join("a", "b", "c")),
            workflow(loop(A), join("a")),
        ],
        good=[workflow(fork([A], [loop(B)]), join("a", "l")), workflow(loop(fork([A], [B]), join("a", "b")))],
    ),
    "loop-in-loop": Examples(
        bad=[
            workflow(loop(loop(A, ref="m", condition="$.m['iteration'] < 2"))),
            workflow(loop(A, loop(B, ref="m", condition="$.m['iteration'] < 2"))),
            workflow(loop(switch({"x": [loop(A, ref="m", condition="$.m['iteration'] < 2")]}))),
            workflow(loop(fork([loop(A, ref="m", condition="$.m['iteration'] < 2")], [B]), join("m", "b"))),
            workflow(switch({"x": [loop(loop(A, ref="m", condition="$.m['iteration'] < 2"))]})),
        ],
        good=[
            workflow(loop(A), loop(B, ref="m", condition="$.m['iteration'] < 2")),
            workflow(loop(child(workflowDefinition=workflow(loop(A))))),
        ],
    ),
    "loop-never-ends": Examples(
        bad=[
            workflow(loop(A, condition="if (true) { true; } else { false; }")),
            workflow(loop(A, condition="(1 == 1)")),
            workflow(loop(A, condition="1;")),
            workflow(loop(A, condition="!false")),
            workflow(loop(A, condition="true")),
            workflow(loop(A, condition="$.n < 3", inputParameters={"n": "${workflow.input.n}"})),
            workflow(
                loop(A, condition="if ($.done == true) { false; } else { true; }", inputParameters={"done": False})
            ),
            workflow(B, loop(A, condition="$.n > 0", inputParameters={"n": "${b.output.n}"})),
            workflow(loop(A, condition="$['n'] !== 'x'", inputParameters={"n": "${workflow.variables.n}"})),
        ],
        good=[
            workflow(loop(A, condition="0")),
            workflow(loop(A, condition="'1' == 1 ? false : true", items="${workflow.input.xs}")),
            workflow(loop(A, condition="if (true) { $.l['iteration'] < 3; } else { true; }")),
            workflow(loop(A, condition="1 == 2")),
            workflow(loop(A)),
            workflow(loop(A, condition="$.a['done'] != true")),
            workflow(
                loop(A, condition="$.first['done'] == true ? false : true", inputParameters={"first": "${a.output}"})
            ),
            workflow(loop(A, condition="true", items="${workflow.input.xs}")),
            workflow(loop(switch({"x": [terminate()]}), condition="true")),
            workflow(
                loop(
                    task("v", "SET_VARIABLE", inputParameters={"n": "${l.output.iteration}"}),
                    condition="$.n < 3",
                    inputParameters={"n": "${workflow.variables.n}"},
                )
            ),
            workflow(loop(A, condition="false")),
        ],
    ),
    "unknown-in-condition": Examples(
        bad=[
            workflow(loop(A, condition="$.count['iteration'] < $.l", inputParameters={"count": 3})),
            workflow(loop(A, condition="$.nope < 3")),
            workflow(loop(A, condition="$.loop['iteration'] < 3")),
            workflow(B, loop(A, condition="$.b['n'] < 3")),
            workflow(loop(A, condition="$['aa']['done'] != true")),
            workflow(loop(A, condition="$.l['iteration'] < $.max")),
            workflow(loop(A, condition="$.loopItem != 2")),
            workflow(loop(A, condition="$.l['iteration'] < 2 && $.a__1 != null")),
            workflow(loop(A, condition="if ($.l['a'].output.done == true) { false; } else { true; }")),
            workflow(loop(A, condition="$.l.a.done != true")),
        ],
        good=[
            workflow(loop(A, condition="$.l['iteration'] < $.count", inputParameters={"count": 3})),
            workflow(loop(A)),
            workflow(loop(A, condition="$.loopItem != 2", items="${workflow.input.xs}")),
            workflow(loop(A, condition="$['loopIndex'] < 1", items="${workflow.input.xs}")),
            workflow(loop(A, condition="$.loopIndex < 1", inputParameters={"_items": "${workflow.input.xs}"})),
            workflow(loop(A, condition="$.l['loopItem'] != 2", items="${workflow.input.xs}")),
            workflow(loop(A, condition="$.l['iteration'] < $.max", inputParameters={"max": 3})),
            workflow(loop(switch({"x": [A]}), condition="$.a['done'] != true")),
            workflow(loop(A, condition="$.l['iteration'] < 3 && $.l['1'] != null")),
        ],
    ),
    "unknown-in-script": Examples(
        bad=[
            workflow(A, switch_by("$.a.output.done ? 'x' : 'y'")),
            workflow(A, switch_by("$.a.x > 3 ? 'x' : 'y'", x="${a.output.x}")),
            workflow(inline("$.total * 2")),
            workflow(inline("(function () { return $['totl'] + 1; })()", total="${workflow.input.total}")),
            workflow(task("l", "LAMBDA", inputParameters={"scriptExpression": "return $.x == 1;"})),
            workflow(task("d", "DECISION", caseExpression="$.n > 1 ? 'x' : 'y'", decisionCases={"x": [A]})),
            workflow(inline("/* $.a */ $.b.c + '$.d'")),
        ],
        good=[
            workflow(A, switch_by("$.a.done ? 'x' : 'y'", a="${a.output}")),
            workflow(inline("$.total * 2", total="${workflow.input.total}")),
            workflow(inline("1 // $.nope")),
            workflow(inline("'$.nope'")),
            workflow(inline("$.nope ? $.nope.x : 0")),
            workflow(inline("typeof $.nope === 'undefined' ? 0 : $.nope.x")),
            workflow(inline("if (!$.nope) { 0 } else { $.nope.x }")),
            workflow(inline("if ($.nope) { $.nope.x } else { 0 }")),
            workflow(inline("$.nope == null ? 0 : $.nope + 1")),
            workflow(inline("$.total?.x", other=1)),
            workflow(inline("Object.keys($).length + $.a")),
            workflow(inline("$.get('nope')")),
            workflow(inline("$[key] + $.nope")),
            workflow(inline("var i = {x: 1}; i.$.y")),
            workflow({**inline("$.of_template"), "taskDefinition": {"name": "i", "inputTemplate": {"of_template": 1}}}),
        ],
    ),
    "expression-in-condition": Examples(
        bad=[
            workflow(loop(A, condition="${a.output.n} < 3")),
            workflow(loop(A, condition="$.l['iteration'] < ${workflow.input.max}")),
            workflow(loop(A, condition="if (${a.output.done}) { false; } else { true; }")),
            workflow(fork([loop(A, condition="${a.output.n} < 3")], [B]), join("l", "b")),
            workflow(loop(A, condition="${workflow.variables.go}")),
        ],
        good=[workflow(loop(A)), workflow(loop(A, condition="$.a['text'] != '${x}'"))],
    ),
    "misplaced-items": Examples(
        bad=[
            workflow(loop(A, inputParameters={"items": "${workflow.input.xs}"})),
            workflow(loop(A, condition="true", inputParameters={"items": [1, 2]})),
            workflow(
                loop(reader("a", "${l.output.loopItem}"), condition="true", inputParameters={"items": "${b.output}"})
            ),
            workflow(
                loop(A, condition="$.l['iteration'] < 3", inputParameters={"items": "${workflow.input.xs}", "n": 1})
            ),
            workflow(switch({"x": [loop(A, inputParameters={"items": ["p"]})]})),
        ],
        good=[
            workflow(loop(A, condition="true", items="${workflow.input.xs}")),
            workflow(loop(A, condition="true", inputParameters={"_items": "${workflow.input.xs}"})),
            workflow(loop(A, condition="$.l['iteration'] < $.items.length", inputParameters={"items": [1]})),
            workflow(loop(reader("a", "${l.input.items[0]}"), inputParameters={"items": [1]})),
        ],
    ),
    "reserved-suffix": Examples(
        bad=[workflow(task(ref)) for ref in ("a__b", "a__1", "__a", "a__", "do__it__now")],
        good=[workflow(task("a_b_c")), workflow({**A, "name": "a__b"})],
    ),
    "reserved-in-loop": Examples(
        bad=[
            workflow(loop(task("a__b"))),
            workflow(loop(A, task("b__1"))),
            workflow(loop(switch({"x": [task("a__b")]}))),
            workflow(loop(fork([task("a__b")], [B]), join("a__b", "b"))),
            workflow(loop(task("a__b"), B)),
        ],
        good=[workflow(loop(task("a_b"))), workflow(task("a__b"))],
    ),
    "unreachable-task": Examples(
        bad=[
            workflow(terminate(), A),
            workflow(switch({"x": [terminate()]}, [terminate("u")]), A),
            workflow(switch({"x": [terminate(), A]})),
            workflow(fork([terminate(), A], [B]), join("a", "b")),
            workflow(loop(terminate(), A)),
        ],
        good=[workflow(A, terminate()), workflow(switch({"x": [terminate()]}), A)],
    ),
    "unreachable-case": Examples(
        bad=[
            workflow(switch({"x": [A], "y": [B]}, inputParameters={"k": "x"})),
            workflow(switch({"yes": [A]}, evaluatorType="javascript", expression="$.n > 3", inputParameters={"n": 1})),
            workflow(
                switch(
                    {"c": [A]}, evaluatorType="javascript", expression="$.n == 1 ? 'a' : 'b'", inputParameters={"n": 1}
                )
            ),
            workflow(
                switch(
                    {"big": [A], "smal": [B]},
                    evaluatorType="graaljs",
                    expression="(function () { if ($.n > 3) { return 'big'; } return 'small'; })()",
                    inputParameters={"n": 1},
                )
            ),
            workflow(switch_for("$.s < 300 ? 'REJECT' : ($.s < 600 ? 'REVIEW' : 'ACCEPT')", "REVEIW")),
            workflow(switch_for("$.s < 300 ? 'REJECT' : $.s < 600 ? \"a:b?\" : 'ACCEPT';", "REVIEW")),
            workflow(switch_for("(($.s < 300) ? ($.t ? 'a' : 'b') : 'c')", "d")),
            workflow(switch_for("(function () { return $.s > 3 ? 'big' : $.s > 1 ? 'middle' : 'small'; })()", "midle")),
            workflow(switch({"1": [A], "2": [B]}, inputParameters={"k": 1})),
        ],
        good=[
            workflow(switch_for("$.s < 300 ? 'REJECT' : ($.s < 600 ? 'REVIEW' : 'ACCEPT')", "REVIEW")),
            workflow(switch_for("'x' + ($.s ? 'a' : 'b')", "xa")),
            workflow(switch_for("('x' + ($.s ? 'a' : 'b'))", "xa")),
            workflow(switch_for("String($.s ? 'a' : 'b')", "c")),
            workflow(switch_for("$.s ? 'a' : $.t", "c")),
            workflow(switch_for("($.s ? 'a' : 'b').toUpperCase()", "A")),
            workflow(switch_for("$.s?.t ? 'a' : 'b'", "c")),
            workflow(switch_for("/[?:'\"]/.test($.s) ? 'a' : 'b'", "c")),
            workflow(switch_for("$.s ? 'a' : 'b' + $.t", "bx")),
            workflow(switch_for("$.s ?? ($.t ? 'a' : 'b')", "c")),
            workflow(switch_for("$.s || ($.t ? 'a' : 'b')", "c")),
            workflow(switch_for("$.t ? 'a' : ('b', $.s)", "c")),
            workflow(switch({"x": [A], "y": [B]})),
            workflow(switch({"true": [A]}, evaluatorType="javascript", expression="$.n > 3", inputParameters={"n": 1})),
            workflow(switch({"x": [A]}, evaluatorType="javascript", expression="$.n", inputParameters={"n": 1})),
            workflow(
                switch(
                    {"x": [A]},
                    evaluatorType="javascript",
                    expression="$.n > 3 && $.m",
                    inputParameters={"n": 1, "m": 2},
                )
            ),
        ],
    ),
    "switch-without-value": Examples(
        bad=[
            workflow(switch({"x": [A]}, expression="kk")),
            workflow(switch({"x": [A]}, expression="${workflow.input.k}")),
            workflow(switch({"x": [A]}, inputParameters={})),
            workflow(task("d", "DECISION", caseValueParam="kk", inputParameters={"k": 1}, decisionCases={"x": [A]})),
            workflow(loop(switch({"x": [A]}, expression="case_value"))),
        ],
        good=[
            workflow(switch({"x": [A]})),
            workflow(task("d", "DECISION", caseValueParam="k", inputParameters={"k": 1}, decisionCases={"1": [A]})),
        ],
    ),
    "unknown-evaluator": Examples(
        bad=[
            *(workflow(switch({"x": [A]}, evaluatorType=kind)) for kind in ("JavaScript", "value_param", "js", "nope")),
            workflow(task("i", "INLINE", inputParameters={"evaluatorType": "Javascript", "expression": "1"})),
            workflow(task("i", "INLINE", inputParameters={"evaluatorType": "ecmascript", "expression": "1"})),
        ],
        good=[workflow(switch({"x": [A]})), workflow(inline("1"))],
    ),
    "missing-input": Examples(
        bad=[
            workflow(task("g", "START_WORKFLOW", inputParameters={"startWorkflow": {"name": "kid", "input": None}})),
            workflow(task("d", "DYNAMIC", dynamicTaskNameParam="name", inputParameters={"nam": "x"})),
            workflow(task("d", "DYNAMIC", dynamicTaskNameParam="name")),
            workflow({**DYNAMIC_FORK, "inputParameters": {"tasks": []}}, join()),
            workflow({**DYNAMIC_FORK, "inputParameters": {"task": [], "input": {}}}, join()),
            workflow(loop(task("d", "DYNAMIC", dynamicTaskNameParam="name", inputParameters={"x": "y"}))),
        ],
        good=[
            workflow(task("d", "DYNAMIC", dynamicTaskNameParam="name", inputParameters={"name": "x"})),
            workflow(task("plan"), DYNAMIC_FORK, join()),
        ],
    ),
    "script-syntax": Examples(
        bad=[
            workflow(inline("if ($.x {")),
            workflow(inline("return $.x;")),
            workflow(loop(A, condition="if ($.l['iteration'] < 3 { true; }")),
            workflow(task("d", "LAMBDA", inputParameters={"scriptExpression": "return {;"})),
            workflow(switch({"x": [A]}, evaluatorType="javascript", expression="$.k ==")),
            workflow(switch({"x": [A]}, evaluatorType="javascript", expression="return $.k;")),
            workflow(task("d", "DECISION", caseExpression="$.k ==", decisionCases={"x": [A]})),
            workflow(task("q", "JSON_JQ_TRANSFORM", inputParameters={"queryExpression": ".x |"})),
        ],
        good=[
            workflow(inline("(function () { return $.x; })()")),
            workflow(task("d", "DECISION", caseExpression="$.k > 3 ? 'x' : 'y'", decisionCases={"x": [A]})),
            workflow(inline("function f() { return $.x; } f();")),
            workflow(switch({"x": [A]}, evaluatorType="javascript", expression="if ($.k) 'x'; else 'y'")),
            workflow(loop(A)),
            workflow(task("d", "LAMBDA", inputParameters={"scriptExpression": "return {x: 1};"})),
            workflow(task("q", "JSON_JQ_TRANSFORM", inputParameters={"queryExpression": ".x | length"})),
        ],
    ),
    "script-outside-input": Examples(
        bad=[
            workflow(task("i", "INLINE", evaluatorType="javascript", expression="1")),
            workflow(task("i", "INLINE")),
            workflow(task("i", "INLINE", inputParameters={"evaluatorType": "javascript"})),
            workflow(task("i", "INLINE", inputParameters={"script": "1"})),
            workflow(loop(task("i", "INLINE", expression="1", inputParameters={"x": 1}))),
        ],
        good=[workflow(inline("1"))],
    ),
    "expression-in-script": Examples(
        bad=[
            workflow(A, inline("var v = ${a.output.x}; v")),
            workflow(A, inline("'${a.output.name}'.length")),
            workflow(A, inline("(function () { return ${a.output}; })()")),
            workflow(task("d", "LAMBDA", inputParameters={"scriptExpression": "return '${workflow.input.x}';"})),
            workflow(loop(A, inline("JSON.parse('${a.output}')"))),
        ],
        good=[workflow(A, inline("$.x", x="${a.output.x}")), workflow(A, inline("${a.output.script}"))],
    ),
    "stringified-input": Examples(
        bad=[
            workflow(A, inline("JSON.stringify($.x)", x="${a.output}")),
            workflow(A, inline("(function () { return JSON.stringify($.x); })()", x="${a.output.list}")),
            workflow(A, inline("JSON.stringify($['x'])", x="${a.output}")),
            workflow(A, inline("JSON.stringify( $ )", x="${a.output}")),
            workflow(A, inline("var t = JSON.stringify($.x, null, 2); t", x={"k": "${a.output}"})),
        ],
        good=[
            workflow(A, inline("JSON.stringify({x: $.x.name})", x="${a.output}")),
            workflow(A, inline("JSON.parse($.x)", x="${a.output.text}")),
        ],
    ),
    "members-of-input": Examples(
        bad=[
            workflow(A, inline("Object.keys($.x).length", x="${a.output}")),
            workflow(A, inline("Object.entries($['x']).map(([k, v]) => k)", x="${a.output.map}")),
            workflow(A, inline("Object.assign({}, $.x, {more: 1})", x={"k": "${a.output}"})),
            workflow(A, inline("$.x.hasOwnProperty('id')", x="${a.output}")),
            workflow(A, inline("'id' in $.x ? 1 : 2", x="${a.output}")),
            workflow(A, inline("Object.values( $ )", x="${a.output}")),
        ],
        good=[
            workflow(A, inline("var n = 0; for (const key in $.x) { n++; } n", x="${a.output}")),
            workflow(A, inline("Object.keys({...$.x}).length", x="${a.output}")),
            workflow(A, inline("Array.from($.x.keySet())", x="${a.output}")),
            workflow(A, inline("Object.keys(JSON.parse($.x))", x="${a.output.text}")),
            workflow(A, inline("$.x.containsKey('id')", x="${a.output}")),
            workflow(A, inline("// Object.keys($.x)\n$.x", x="${a.output}")),
        ],
    ),
    "python-without-return": Examples(
        bad=[
            workflow(inline("1 + 1", evaluatorType="python")),
            workflow(inline("result = a + 1", evaluatorType="python")),
            workflow(inline("def f(x):\n    pass\nf(2)", evaluatorType="python")),
            workflow(inline("print(1)", evaluatorType="python")),
            workflow({**switch({"x": [A]}), "evaluatorType": "python", "expression": "'x'"}),
        ],
        good=[
            workflow(inline("return a + 1", evaluatorType="python")),
            workflow(inline("if a:\n    return 7", evaluatorType="python")),
            workflow({**switch({"x": [A]}), "evaluatorType": "python", "expression": "return 'x'"}),
        ],
    ),
    "bad-request": Examples(
        bad=[
            workflow(http(method="get")),
            workflow(http(method=None)),
            workflow(http(uri=None)),
            workflow(http(uri="")),
            workflow(http(uri="example.com/x")),
            workflow(http(uri="localhost:8080/${workflow.input.x}")),
            workflow(http(uri="ftp://${workflow.input.host}/x")),
            workflow(http(uri="http://example.com/{id}")),
            workflow(http(contentType="json")),
            workflow(http(accept="application/json, text/plain")),
            workflow(http(headers=None)),
            workflow(http(headers=["X-A"])),
            workflow(http(readTimeOut="3s")),
            workflow(task("h", "HTTP", inputParameters={"http_request": [1]})),
            workflow(
                task("h", "HTTP", inputParameters={"http_request": {"url": "http://example.com", "method": "GET"}})
            ),
            workflow(switch({"x": [http(method="FETCH")]})),
        ],
        good=[
            workflow(http()),
            workflow(http(uri="${workflow.input.base}/x", method="${workflow.input.method}")),
            workflow(
                http(
                    uri="http://${workflow.input.host}:${workflow.input.port}/x?q=${workflow.input.a${workflow.input.b}}"
                )
            ),
            workflow(http(uri="http://example.com/a b?c=[1]|%zz", body={"a": None}, accept=None, headers={"A": None})),
            workflow(
                task("h", "HTTP", inputParameters={"uri": "https://example.com", "method": "POST", "readTimeOut": "30"})
            ),
            workflow(task("h", "HTTP", inputParameters={"http_request": "${workflow.input.request}"})),
        ],
    ),
    "wrong-input": Examples(
        bad=[
            workflow(dynamic_fork(forkTaskWorkflow="child", forkTaskWorkflowVersion=1, forkTaskInputs=[{}]), join()),
            workflow(dynamic_fork(forkTaskName=7, forkTaskInputs=[{}]), join()),
            workflow(dynamic_fork(forkTaskName="lint_a", forkTaskInputs={"a": 1}), join()),
            workflow(dynamic_fork(forkTaskName="lint_a", forkTaskInputs=[None]), join()),
            workflow(dynamic_fork(forkTaskName="c", forkTaskType="SUB_WORKFLOW", forkTaskInputs=[{}]), join()),
            workflow(fork_over([{"name": "lint_x", "type": "SIMPLE"}]), join()),
            workflow(fork_over("[]"), join()),
            workflow(fork_over([task("x", retryCount="once")]), join()),
            workflow(fork_over([task("x")], []), join()),
            workflow(fork_over([task("x")], {"x": 7}), join()),
            workflow(inline("7") | {"inputParameters": {"evaluatorType": "graaljs", "expression": 7}}),
            workflow(inline("7", evaluatorType=7)),
            workflow(task("t", "TERMINATE", inputParameters={"terminationStatus": "FAILED", "terminationReason": 7})),
            workflow(task("q", "JSON_JQ_TRANSFORM", inputParameters={"queryExpression": 7})),
            workflow(task("q", "JSON_JQ_TRANSFORM", inputParameters={"queryExpression": ""})),
            workflow(loop(A, inputParameters={"keepLastN": "2"})),
            workflow(loop(A, inputParameters={"keepLastN": "${workflow.input.n}"})),
            workflow(loop(A, inputParameters={"keepLastN": 0})),
            workflow(loop(A, inputParameters={"keepLastN": -1})),
            workflow(task("d", "DYNAMIC", dynamicTaskNameParam="n", inputParameters={"n": None})),
            workflow(task("e", "EVENT", sink="topic")),
            workflow(task("s", "START_WORKFLOW", inputParameters={"startWorkflow": "child"})),
            workflow(task("s", "START_WORKFLOW", inputParameters={"startWorkflow": {"version": 1}})),
            workflow(task("s", "START_WORKFLOW", inputParameters={"startWorkflow": {"name": "c", "input": []}})),
            workflow(task("s", "START_WORKFLOW", inputParameters={"startWorkflow": {"name": "c", "priority": 100}})),
            workflow(task("s", "SUB_WORKFLOW", subWorkflowParam={"name": "c", "priority": -1})),
            workflow(task("s", "SUB_WORKFLOW", subWorkflowParam={"name": "c", "workflowDefinition": {"tasks": [A]}})),
        ],
        good=[
            workflow(dynamic_fork(forkTaskWorkflow="child", forkTaskWorkflowVersion="1", forkTaskInputs=[{}]), join()),
            workflow(dynamic_fork(forkTaskInputs=[]), join()),
            workflow(dynamic_fork(forkTaskName="${workflow.input.n}", forkTaskInputs="${workflow.input.all}"), join()),
            workflow(fork_over([task("x", retryCount="7")], {"x": None, "other": 7}), join()),
            workflow(fork_over("${workflow.input.tasks}", "${workflow.input.inputs}"), join()),
            workflow(
                task("t", "TERMINATE", inputParameters={"terminationStatus": "FAILED", "terminationReason": None})
            ),
            workflow(loop(A, inputParameters={"keepLastN": 2})),
            workflow(task("d", "DYNAMIC", dynamicTaskNameParam="n", inputParameters={"n": 7})),
            workflow(task("e", "EVENT", sink="conductor")),
            workflow(task("e", "EVENT", sink="${workflow.input.sink}")),
            workflow(task("s", "START_WORKFLOW", inputParameters={"startWorkflow": "${workflow.input.child}"})),
            workflow(
                task(
                    "s",
                    "START_WORKFLOW",
                    inputParameters={"startWorkflow": {"name": "c", "input": "${workflow.input.x}"}},
                )
            ),
            workflow(task("s", "SUB_WORKFLOW", subWorkflowParam={"name": "c", "priority": "100"})),
        ],
    ),
    "negative-version": Examples(
        bad=[workflow(A, version=each) for each in (-1, -2, -7, -100, -(2**31))],
        good=[workflow(A, version=0), workflow(A)],
    ),
    "not-simulated": Examples(
        bad=[
            workflow(inline("return 1", evaluatorType="python")),
            workflow({**switch({"x": [A]}), "evaluatorType": "python", "expression": "return 'x'"}),
            workflow(task("k", "KAFKA_PUBLISH", inputParameters={"kafka_request": KAFKA})),
            workflow(task("q", "JDBC", inputParameters={"statement": "select 1", "connectionId": "shop"})),
            workflow(task("e", "EVENT", sink="sqs:queue")),
            workflow(A, switch({"x": [task("e", "EVENT", sink="kafka:topic")]})),
        ],
        good=[
            workflow(inline("1")),
            workflow(task("e", "EVENT", sink="conductor:done")),
            workflow(task("e", "EVENT", sink="${workflow.input.sink}")),
        ],
    ),
    "unknown-type": Examples(
        bad=[workflow(task("a", kind)) for kind in ("SIMPEL", "FORK_JOIN_DYNAMC", "my_type", "SUBWORKFLOW", "http")],
        good=[SOUND, workflow(task("a", "USER_DEFINED")), workflow(without(A, "type"))],
    ),
    "foreign-type": Examples(
        bad=[
            workflow(task("a", kind))
            for kind in ("LLM_TEXT_COMPLETE", "HTTP_POLL", "BUSINESS_RULE", "GRPC", "WAIT_FOR_WEBHOOK", "CALL_MCP_TOOL")
        ],
        good=[SOUND],
    ),
    "old-type": Examples(
        bad=[
            workflow(task("d", "DECISION", caseValueParam="k", inputParameters={"k": 1}, decisionCases={"1": [A]})),
            workflow(task("d", "LAMBDA", inputParameters={"scriptExpression": "return 1;"})),
            workflow(task("e", "EXCLUSIVE_JOIN", joinOn=["a"])),
            workflow(loop(task("d", "LAMBDA", inputParameters={"scriptExpression": "return 1;"}))),
            workflow(switch({"x": [task("d", "LAMBDA", inputParameters={"scriptExpression": "return 1;"})]})),
        ],
        good=[SOUND],
    ),
    "recursion": Examples(
        bad=[
            workflow(child(name="lint_w")),
            workflow(fork([child(name="lint_w")], [B]), join("c", "b")),
            [
                workflow(child(name="lint_other"), name="lint_one"),
                workflow(child(name="lint_one"), name="lint_other"),
            ],
            [
                workflow(child(name="lint_two"), name="lint_one"),
                workflow(child(name="lint_three"), name="lint_two"),
                workflow(A, loop(child(name="lint_one")), name="lint_three"),
            ],
            workflow(switch({"again": [child(name="lint_w")]})),
            workflow(child(workflowDefinition=workflow(child(name="lint_w"), name="lint_inner"))),
            workflow(A, failureWorkflow="lint_w"),
        ],
        good=[
            [workflow(A, failureWorkflow="lint_other"), workflow(A, name="lint_other")],
            [workflow(child(name="lint_other"), name="lint_one"), workflow(A, name="lint_other")],
            [
                workflow(child(name="lint_x"), child("d", name="lint_x"), name="lint_one"),
                workflow(A, name="lint_x"),
            ],
        ],
    ),
    "unknown-child": Examples(
        bad=[
            [workflow(child(name="lint_paymnet"), name="lint_y"), workflow(A, name="lint_payment")],
            [workflow(child(name="Lint_Payment"), name="lint_y"), workflow(A, name="lint_payment")],
            [workflow(loop(child(name="lintpayment")), name="lint_y"), workflow(A, name="lint_payment")],
            [workflow(A, failureWorkflow="lint_compensat", name="lint_y"), workflow(A, name="lint_compensate")],
            [
                workflow(
                    task("st", "START_WORKFLOW", inputParameters={"startWorkflow": {"name": "lint_archiv"}}),
                    name="lint_y",
                ),
                workflow(A, name="lint_archive"),
            ],
            [
                workflow(switch({"x": [child(name="lint_child_flw")]}), name="lint_y"),
                workflow(A, name="lint_child_flow"),
            ],
        ],
        good=[
            [workflow(child(name="lint_payment"), name="lint_y"), workflow(A, name="lint_payment")],
            [workflow(child(name="lint_order_v2"), name="lint_y"), workflow(A, name="lint_order_v1")],
            [workflow(child(name="lint_elsewhere"), name="lint_y"), workflow(A, name="lint_payment")],
            [workflow(child(name="${workflow.input.name}"), name="lint_y"), workflow(A, name="lint_payment")],
            workflow(child(name="lint_ww")),
            [
                workflow(child(name="lint_payed", workflowDefinition=workflow(A, name="lint_payed")), name="lint_y"),
                workflow(A, name="lint_payee"),
            ],
        ],
    ),
    "no-child": Examples(
        bad=[
            workflow(task("c", "SUB_WORKFLOW", subWorkflowParam={})),
            workflow(task("c", "SUB_WORKFLOW", subWorkflowParam={"version": 1})),
            workflow(task("c", "SUB_WORKFLOW", subWorkflowParam={"name": ""})),
            workflow(loop(task("c", "SUB_WORKFLOW", subWorkflowParam={"taskToDomain": {}}))),
            workflow(switch({"x": [task("c", "SUB_WORKFLOW", subWorkflowParam={"name": None})]})),
        ],
        good=[workflow(child()), workflow(child(workflowDefinition=workflow(A)))],
    ),
    "version-not-pinned": Examples(
        bad=[
            workflow(child(version=None)),
            workflow(child(version=0)),
            workflow(loop(child(version=None))),
            workflow(fork([child(version=None)], [A]), join("c", "a")),
            workflow(switch({"x": [child(version=None)]})),
        ],
        good=[workflow(child()), workflow(child(version=None, workflowDefinition=workflow(A)))],
    ),
    "unknown-version": Examples(
        bad=[
            [workflow(child(name="lint_x", version=version), name="lint_y"), workflow(A, name="lint_x", version=known)]
            for version, known in ((2, 1), (1, 2), (7, 3), (3, 30), (10, 1))
        ],
        good=[
            [workflow(child(name="lint_x", version=2), name="lint_y"), workflow(A, name="lint_x", version=2)],
            workflow(child(version=9)),
        ],
    ),
    "no-workflow-timeout": Examples(
        bad=[
            without(workflow(A), "timeoutSeconds", "timeoutPolicy"),
            workflow(A, timeoutSeconds=0),
            workflow(A, timeoutSeconds=-1),
            workflow(A, timeoutSeconds="0"),
            workflow(A, timeoutSeconds=None),
        ],
        good=[SOUND, workflow(child(workflowDefinition={"name": "x", "tasks": [A]}))],
    ),
    "timeout-only-alerts": Examples(
        bad=[
            workflow(A, timeoutPolicy="ALERT_ONLY"),
            without(workflow(A), "timeoutPolicy"),
            workflow(A, timeoutPolicy=None),
            workflow(A, timeoutSeconds=1, timeoutPolicy="ALERT_ONLY"),
            workflow(A, timeoutSeconds="60", timeoutPolicy="ALERT_ONLY"),
        ],
        good=[SOUND, workflow(A, timeoutSeconds=0, timeoutPolicy="ALERT_ONLY")],
    ),
    "bad-task-definition": Examples(
        bad=[
            definition(responseTimeoutSeconds=0),
            definition(responseTimeoutSeconds=61),
            definition(timeoutSeconds=60, totalTimeoutSeconds=30),
            definition(retryCount=-1),
            definition(backoffScaleFactor=0),
            definition(pollTimeoutSeconds=-5),
        ],
        good=[definition(), definition(timeoutSeconds=0), definition(totalTimeoutSeconds=60)],
    ),
    "bad-inline-task-definition": Examples(
        bad=[
            workflow({**A, "taskDefinition": {"name": "a", "timeoutSeconds": 5, "responseTimeoutSeconds": 10}}),
            workflow({**A, "taskDefinition": {"name": "a", "responseTimeoutSeconds": 0}}),
            workflow({**A, "taskDefinition": {"name": "a", "retryCount": -1}}),
            workflow({**A, "taskDefinition": {"name": "a", "backoffScaleFactor": 0}}),
            workflow(
                {
                    **task("h", "HUMAN"),
                    "taskDefinition": {"name": "h", "timeoutSeconds": 5, "responseTimeoutSeconds": 10},
                }
            ),
            workflow(switch({"x": [{**A, "taskDefinition": {"name": "a", "pollTimeoutSeconds": -1}}]})),
        ],
        good=[
            workflow({**A, "taskDefinition": {"name": "a", "timeoutSeconds": 60}}),
            workflow({**A, "taskDefinition": {"name": "a", "timeoutSeconds": 60, "responseTimeoutSeconds": 60}}),
            workflow({**A, "taskDefinition": {}}),
        ],
    ),
    "no-task-timeout": Examples(
        bad=[
            definition(timeoutSeconds=0),
            without(definition(), "timeoutSeconds"),
            definition(timeoutSeconds=None),
            definition(timeoutSeconds="0"),
            {"name": "t", "retryCount": 3},
        ],
        good=[definition(), definition(timeoutSeconds=0, totalTimeoutSeconds=60)],
    ),
    "no-timeout-policy": Examples(
        bad=[
            without(definition(), "timeoutPolicy"),
            definition(timeoutPolicy="ALERT_ONLY"),
            definition(timeoutPolicy="ALERT_ONLY", timeoutSeconds=3600, responseTimeoutSeconds=60),
            without(definition(timeoutSeconds=31), "timeoutPolicy"),
            without(definition(retryCount=0), "timeoutPolicy"),
        ],
        good=[definition(), definition(timeoutPolicy="TIME_OUT_WF")],
    ),
    "people-cut-short": Examples(
        bad=[
            [workflow(task("ask", "HUMAN")), definition("lint_ask")],
            [workflow(task("ask", "HUMAN")), definition("lint_ask", timeoutSeconds=0)],
            [
                workflow(task("ask", "HUMAN")),
                without(definition("lint_ask", timeoutSeconds=9999), "responseTimeoutSeconds"),
            ],
            [
                definition("lint_ask", timeoutSeconds=432_000, responseTimeoutSeconds=600),
                workflow(task("ask", "HUMAN")),
            ],
            [workflow(switch({"x": [task("ask", "HUMAN")]})), definition("lint_ask")],
        ],
        good=[
            [workflow(task("ask", "HUMAN")), definition("lint_ask", responseTimeoutSeconds=60)],
            [workflow(task("ask", "WAIT")), definition("lint_ask")],
            [workflow(task("ask")), definition("lint_ask")],
            definition("lint_ask"),
        ],
    ),
    "wait-cut-short": Examples(
        bad=[
            [workflow(task("ask", "WAIT", inputParameters={"duration": "5s"})), definition("lint_ask")],
            [workflow(loop(A, name="lint_round")), definition("lint_round")],
            [
                without(definition("lint_round", timeoutSeconds=9999), "responseTimeoutSeconds"),
                workflow(loop(A, name="lint_round")),
            ],
            [workflow(fork([A]), join("a", name="lint_both")), definition("lint_both", timeoutSeconds=0)],
            [
                workflow(switch({"x": [task("ask", "WAIT", inputParameters={"until": "${workflow.input.k}"})]})),
                definition("lint_ask", responseTimeoutSeconds=60),
            ],
        ],
        good=[
            [workflow(loop(A, name="lint_round")), definition("lint_round", responseTimeoutSeconds=60)],
            [workflow(loop(A, name="lint_round")), definition("lint_a")],
            [workflow(task("ask", "HUMAN")), definition("lint_ask", timeoutSeconds=60)],
            definition("lint_ask"),
        ],
    ),
    "retry-without-delay": Examples(
        bad=[
            definition(retryDelaySeconds=0),
            definition(retryDelaySeconds="0"),
            definition(retryDelaySeconds=None),
            definition(retryDelaySeconds=0, retryLogic="EXPONENTIAL_BACKOFF"),
            without(definition(retryDelaySeconds=0), "retryCount"),
        ],
        good=[definition(), definition(retryCount=0, retryDelaySeconds=0), without(definition(), "retryDelaySeconds")],
    ),
    "number-without-effect": Examples(
        bad=[
            definition(backoffScaleFactor=2, retryLogic="EXPONENTIAL_BACKOFF"),
            definition(backoffScaleFactor=3),
            definition(retryCount=0),
            definition(rateLimitPerFrequency=5),
            definition(rateLimitPerFrequency=5, rateLimitFrequencyInSeconds=0),
        ],
        good=[
            definition(),
            definition(backoffScaleFactor=2, retryLogic="LINEAR_BACKOFF"),
            definition(backoffScaleFactor=1),
        ],
    ),
    "plain-secret": Examples(
        bad=[
            workflow(http(headers={"x-api-key": "3f2a9c1d7e"})),
            workflow(http(headers={"Ocp-Apim-Subscription-Key": "3f2a9c1d7e"})),
            workflow(reader("a", password="hunter2secret")),
            workflow(reader("a", headers={"Authorization": "Bearer abcdefghijklmnop1234"})),
            workflow(reader("a", apiKey="9f8e7d6c5b4a")),
            workflow(reader("a", x="AKIAIOSFODNN7ABCDEFG")),
            workflow(reader("a", url="postgres://admin:s3cretpw@db/prod")),
            workflow(A, inputTemplate={"client_secret": "b2c3d4e5f6"}),
            definition(inputTemplate={"db_password": "tr0ub4dor"}),
        ],
        good=[
            workflow(reader("a", password="${workflow.secrets.DB}", token="${workflow.input.token}")),
            workflow(reader("a", tokenType="bearer", maxTokens=100, password="<your password>", apiKey="API_KEY")),
            workflow(reader("a", password="", secretName="billing"), maskedFields=["password"]),
        ],
    ),
    "unknown-key": Examples(
        bad=[
            workflow({**A, "retryCuont": 3}),
            workflow({**A, "inputParameter": {}}),
            workflow(A, outputParameter={}),
            workflow(A, timeoutSecond=3),
            definition(retryDelaySecond=5),
            workflow(task("j", "JOIN", join_on=["a"])),
            workflow(task("c", "SUB_WORKFLOW", subWorkflowParam={"name": "x", "version": 1, "taskToDomains": {}})),
            workflow(switch({"x": [{**A, "optionel": True}]})),
        ],
        good=[SOUND, definition(), workflow(A, ownerApp="x", createTime=1, updatedBy="y")],
    ),
    "foreign-key": Examples(
        bad=[
            workflow({**A, "zoneOfOrigin": 3}),
            workflow(A, kubernetesNamespace="x"),
            definition(colour="blue"),
            workflow(switch({"x": [{**A, "x-position": 10}]})),
            workflow(task("c", "SUB_WORKFLOW", subWorkflowParam={"name": "x", "version": 1, "dashboard": {}})),
        ],
        good=[SOUND, workflow(A, metadata={"x": 1}, tags=[])],
    ),
    "key-of-task-definition": Examples(
        bad=[
            workflow({**A, key: 5})
            for key in (
                "concurrentExecLimit",
                "timeoutSeconds",
                "responseTimeoutSeconds",
                "retryDelaySeconds",
                "retryLogic",
            )
        ],
        good=[workflow({**A, "retryCount": 5}), workflow({**A, "taskDefinition": definition(concurrentExecLimit=5)})],
    ),
    "key-of-other-type": Examples(
        bad=[
            workflow({**A, "joinOn": ["b"]}),
            workflow({**A, "loopCondition": "true"}),
            workflow({**A, "forkTasks": [[B]]}),
            workflow({**A, "decisionCases": {"x": [B]}}),
            workflow({**A, "sink": "conductor"}),
            workflow(task("w", "WAIT", subWorkflowParam={"name": "x", "version": 1})),
        ],
        good=[SOUND, workflow({**A, "joinOn": [], "forkTasks": [], "decisionCases": {}, "loopOver": [], "sink": None})],
    ),
}
