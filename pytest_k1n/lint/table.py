"""The table of checks: `k1n lint`, `k1n validate`, the reference page and SARIF's rules are made from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from pytest_k1n.lint.check import Level, LintCheck, Target
from pytest_k1n.lint.checks import (
    children,
    demands,
    files,
    inputs,
    joins,
    keys,
    loops,
    newer,
    outputs,
    reading,
    requests,
    scripts,
    secrets,
    switches,
    timeouts,
    twins,
    types,
    unsimulated,
)  # fmt: skip

ERROR, WARNING, INFO = Level.ERROR, Level.WARNING, Level.INFO

CHECKS: Final = (
    LintCheck(
        code="not-json", level=ERROR, target=Target.FILE, title="The file is no JSON that the server reads",
        why="The server answers 500 to a body that it cannot read, or that is nested more than 1,000 levels deep.",
        fix="Correct the place that is named; comments and trailing commas are not JSON.", find=files.not_json,
    ),
    LintCheck(
        code="duplicate-definition", level=WARNING, title="Two definitions of one name and version",
        why="A server keeps the one that is registered last, whichever that is. Of two that say the same it is info.",
        fix="Remove one of the two, or give it a version of its own.", find=twins.duplicate_definition,
    ),
    LintCheck(
        code="newer-than-server", level=WARNING, title="The release that is to run it does not know this",
        why="An older Conductor drops what it does not know, or refuses what it cannot make anything of. Only asked "
        "with `--conductor=3.15.0`, or `conductor` in the configuration.",
        fix="Do without it there, or run a newer release.", find=newer.unknown_to_workflow,
    ),
    LintCheck(
        code="newer-limit", level=WARNING, target=Target.TASK,
        title="The release that is to run it does not know this limit",
        why="An older Conductor drops fields of task definitions that it does not know. Only asked with "
        "`--conductor=3.15.0`, or `conductor` in the configuration.",
        fix="Do without it there, or run a newer release.", find=newer.unknown_to_task,
    ),
    LintCheck(
        code="repeated-key", level=WARNING, target=Target.FILE, title="An object has the same key twice",
        why="JSON readers keep the last value and drop the earlier ones without a word.",
        fix="Remove one of the two, or rename it.", find=files.repeated_key,
    ),
    LintCheck(
        code="wrong-type", level=ERROR, title="A value is of the wrong type",
        why="The server answers 500: its JSON reader cannot make of the value what the field is.",
        fix="Write a value of the type that is named.", find=demands.wrong_type,
    ),
    LintCheck(
        code="no-name", level=ERROR, title="A definition or a task has no name",
        why="The server refuses it.", fix="Give it a name; a task needs a taskReferenceName too.", find=demands.no_name,
    ),
    LintCheck(
        code="no-tasks", level=ERROR, title="A workflow has no tasks",
        why="The server refuses it.", fix="Add a task; a NOOP will do.", find=demands.no_tasks,
    ),
    LintCheck(
        code="bad-schema", level=WARNING, title="A JSON Schema that is none",
        why="Nothing can be checked by it.", fix="Correct the place that is named.", find=demands.bad_schema,
    ),
    LintCheck(
        code="schema-version", level=ERROR, title="A schema version that is gone",
        why="The server takes schemaVersion 2 only.", fix='Write "schemaVersion": 2.', find=demands.schema_version,
    ),
    LintCheck(
        code="duplicate-ref", level=ERROR, title="Two tasks have one reference name",
        why="The server refuses it: outputs are found by the reference name.",
        fix="Give each task a taskReferenceName of its own, also those in different cases.", find=demands.duplicate_ref,
    ),
    LintCheck(
        code="missing-field", level=ERROR, title="A task lacks what its type needs",
        why="The server refuses it; inside a loop, where it does not look, the task fails when it runs.",
        fix="Add the field that is named.", find=demands.of_code("missing-field"),
    ),
    LintCheck(
        code="no-cases", level=ERROR, title="A switch without decisionCases, or a fork without branches",
        why="The server refuses it, also if there is a default case.",
        fix="Add a case or a branch, or remove the task.", find=demands.of_code("no-cases"),
    ),
    LintCheck(
        code="bad-terminate", level=ERROR, title="A TERMINATE that the server does not take",
        why="The server refuses it; one in a loop without a status never ends.",
        fix="Set terminationStatus to COMPLETED, FAILED or TERMINATED, and do not make it optional.",
        find=demands.of_code("bad-terminate"),
    ),
    LintCheck(
        code="bad-wait", level=ERROR, title="A WAIT whose end cannot be told",
        why="The server refuses it; in a loop the task fails with a terminal error.",
        fix="Give it a duration, or an until, or neither (then a caller completes it).",
        find=demands.of_code("bad-wait"),
    ),
    LintCheck(
        code="refused", level=ERROR, title="The server refuses a task for another reason",
        why="It says what is wrong in its answer to the registration.", fix="Do as the message says.",
        find=demands.of_code("refused"),
    ),
    LintCheck(
        code="malformed-expression", level=ERROR, title="An expression that the server cannot read",
        why="The server refuses blanks in ${…}, and empty ones, in the tasks that are in no other. One that never "
        "closes is not an expression: the worker is given the text.",
        fix="Write ${ref.output.key}, without blanks.", find=reading.malformed_expression,
    ),
    LintCheck(
        code="unknown-ref", level=ERROR, title="An expression names no task",
        why="The server refuses it in the input of a task that is in no other. In branches, cases, loops and output "
        "parameters it does not look, and the value is null: there it is a warning.",
        fix="Name a task of this workflow.", find=reading.unknown_ref,
    ),
    LintCheck(
        code="unknown-field", level=WARNING, title="An expression reads what no task has",
        why="Behind the reference name comes output, input, status, ...: anything else is null.",
        fix="Write ${ref.output.key}, ${workflow.input.key}.", find=reading.unknown_field,
    ),
    LintCheck(
        code="no-braces", level=WARNING, title="An expression without its braces",
        why="Only what stands in ${…} is replaced: the task gets the text as it stands.",
        fix="Put it in ${…}.", find=reading.unbraced,
    ),
    LintCheck(
        code="unknown-output", level=WARNING, title="An expression reads what a task never puts out",
        why="The output of a HTTP task has a response with body, headers, statusCode and reasonPhrase, an INLINE's a "
        "result, that of a sub-workflow what the outputParameters of its definition name: any other key is null.",
        fix="Read what is named; of a loop's task, the task itself.", find=outputs.unknown_output,
    ),
    LintCheck(
        code="read-too-early", level=WARNING, title="An expression reads a task that runs later",
        why="Inputs are resolved when the reader is scheduled: the value is null, always.",
        fix="Move the reader behind the task, or read something else.", find=reading.read_too_early,
    ),
    LintCheck(
        code="read-of-other-case", level=WARNING, title="An expression reads a task of another case",
        why="If the reader runs, that task does not: the value is null, always.",
        fix="Read something that runs in this case.", find=reading.read_of_other_case,
    ),
    LintCheck(
        code="read-in-parallel", level=WARNING, title="An expression reads a task that may still be running",
        why="Nothing orders the two: the value is null or not, as the workers' speed has it.",
        fix="Order the two.", find=reading.read_in_parallel,
    ),
    LintCheck(
        code="variable-never-set", level=WARNING, title="A workflow variable that nothing sets",
        why="It is null until a SET_VARIABLE, or a client, sets it.",
        fix="Set it in a SET_VARIABLE, or give it a first value in the definition's variables.",
        find=reading.variable_never_set,
    ),
    LintCheck(
        code="input-never-read", level=INFO, title="A declared input that nothing reads",
        why="inputParameters of a workflow is documentation: the server does not read it.",
        fix="Remove it, or read it.", find=reading.declared_never_read,
    ),
    LintCheck(
        code="input-not-declared", level=WARNING, title="An input that is read and not declared",
        why="Who starts the workflow sees inputParameters, and does not know that it is needed: it is null.",
        fix="Declare it in the workflow's inputParameters.", find=reading.read_never_declared,
    ),
    LintCheck(
        code="fork-without-join", level=ERROR, title="A fork that no JOIN follows",
        why="The server fails every execution: Fork task definition is not followed by a join task.",
        fix="Put a JOIN right behind the fork.", find=joins.fork_without_join,
    ),
    LintCheck(
        code="empty-branch", level=ERROR, title="A branch without a task",
        why="The server cannot start it: Index 0 out of bounds for length 0.",
        fix="Remove the branch, or put a NOOP into it.", find=joins.empty_branch,
    ),
    LintCheck(
        code="join-on-nothing", level=WARNING, title="A JOIN that waits for nothing",
        why="A JOIN waits for what joinOn names, and for nothing else: an empty one is over at once, and what follows "
        "runs beside the branches. Several SDKs write it so.",
        fix="Name the last task of every branch in joinOn.", find=joins.join_on_nothing,
    ),
    LintCheck(
        code="branch-not-joined", level=WARNING, title="A branch that its JOIN does not wait for",
        why="What follows the JOIN runs beside the rest of that branch. A SWITCH is over when it has decided, before "
        "the tasks of its case have run.",
        fix="Name the last task of the branch in joinOn.", find=joins.branch_not_joined,
    ),
    LintCheck(
        code="join-on-unknown", level=ERROR, title="A JOIN that waits for what never comes",
        why="It waits for ever: for a name that no task has, for itself, or for a task that only starts after it. For "
        "one round of a loop's task, ref__2, it does if the loop ends before: there it is a warning.",
        fix="Name the last task of each branch in joinOn.", find=joins.join_on_unknown,
    ),
    LintCheck(
        code="join-on-case", level=ERROR, title="A JOIN that waits for a task of a case",
        why="If another case is taken, the task is never scheduled, and the JOIN waits for ever.",
        fix="Put a NOOP behind the SWITCH in its branch, and wait for that.", find=joins.join_on_case,
    ),
    LintCheck(
        code="join-across-loop", level=ERROR, title="A JOIN that waits for a task inside a loop",
        why="In a loop the task is called ref__1, ref__2, ...: the JOIN waits for ever for a task called ref.",
        fix="Wait for the loop.", find=joins.join_across_loop,
    ),
    LintCheck(
        code="loop-in-loop", level=ERROR, title="A loop inside a loop",
        why="The inner loop's tasks are called ref__1__1, and its condition does not find them: the execution fails "
        "or hangs (3.32.1).",
        fix="Put the inner loop into a sub-workflow.", find=loops.loop_in_loop,
    ),
    LintCheck(
        code="loop-never-ends", level=WARNING, title="A loop whose condition no round changes",
        why="The condition has the same value after each round: the loop runs once, or until something terminates it.",
        fix="Read in it what a task of the loop puts out.", find=loops.loop_never_ends,
    ),
    LintCheck(
        code="unknown-in-condition", level=WARNING, title="A condition reads what it is not given",
        why="A condition sees the loop's inputs, its output under its own name, and its tasks' outputs. Anything else "
        "is undefined: the comparison is false, or the loop fails.",
        fix="Give it to the loop in its inputParameters.", find=loops.unknown_in_condition,
    ),
    LintCheck(
        code="unknown-in-script", level=WARNING, title="A script reads what it is not given",
        why="A script of an INLINE, a LAMBDA or a SWITCH sees the inputs of its task. Anything else is undefined, and "
        "to read a field of that fails the task.",
        fix="Give it to the task in its inputParameters.", find=scripts.unknown_in_script,
    ),
    LintCheck(
        code="expression-in-condition", level=ERROR, title="A condition with ${…}",
        why="A loopCondition is JavaScript that the server does not resolve: it fails with a SyntaxError after the "
        "first round.",
        fix="Give the value to the loop in its inputParameters, and read $.name.", find=loops.expression_in_condition,
    ),
    LintCheck(
        code="misplaced-items", level=WARNING, title="items in the wrong place",
        why="A loop goes through the items of the task, or the input _items. items in inputParameters is an input "
        "like any other, and the loop goes by its condition alone.",
        fix='Move items out of inputParameters, beside loopCondition.', find=loops.misplaced_items,
    ),
    LintCheck(
        code="reserved-suffix", level=WARNING, title="Two underscores in a reference name",
        why="Conductor appends __1, __2, ... to the names of tasks in loops, and cuts names off there.",
        fix="Rename it with one underscore.", find=loops.reserved_suffix,
    ),
    LintCheck(
        code="reserved-in-loop", level=ERROR, title="Two underscores in the name of a loop's task",
        why="The server cuts the name off at the first two underscores, does not find what follows, and hangs.",
        fix="Rename it with one underscore.", find=loops.reserved_in_loop,
    ),
    LintCheck(
        code="unreachable-task", level=WARNING, title="A task that never runs",
        why="What stands before it ends the execution.", fix="Remove it, or move it.",
        find=switches.unreachable_after_end,
    ),
    LintCheck(
        code="unreachable-case", level=WARNING, title="A case that is never taken",
        why="The switch decides for one of a few values, and this is none of them.",
        fix="Correct the name of the case, or what the switch decides by.", find=switches.unreachable_case,
    ),
    LintCheck(
        code="switch-without-value", level=WARNING, title="A switch that decides by an input it does not have",
        why="With value-param the expression is the name of an input of the switch. There is none: the value is null, "
        "and the default case is taken, always.",
        fix="Add the input to the inputParameters of the switch.", find=switches.switch_without_value,
    ),
    LintCheck(
        code="unknown-evaluator", level=ERROR, title="An evaluator that the server does not have",
        why="The server accepts the definition, and fails every execution that gets there.",
        fix="Write value-param, javascript, graaljs or python.", find=switches.unknown_evaluator,
    ),
    LintCheck(
        code="missing-input", level=ERROR, title="A dynamic task, or a start, without the input that it reads",
        why="The server fails the execution when it gets there.",
        fix="Add the input to the task's inputParameters.", find=types.missing_input,
    ),
    LintCheck(
        code="script-syntax", level=ERROR, title="A script with a syntax error",
        why="The server refuses the script of a SWITCH; any other fails when it runs.",
        fix="Correct the script. An INLINE's is a program: a return stands in a function that is called.",
        find=scripts.syntax,
    ),
    LintCheck(
        code="script-outside-input", level=ERROR, title="An INLINE without a script",
        why="An INLINE reads evaluatorType and expression from its inputParameters; it fails without.",
        fix="Move expression and evaluatorType into inputParameters.", find=keys.script_keys_outside,
    ),
    LintCheck(
        code="expression-in-script", level=WARNING, title="A script with a value's text in it",
        why="${…} inside a script is replaced by the value's text: an object becomes {a=1}, which is no JavaScript, "
        "and a text becomes a part of the program, whatever is in it.",
        fix="Give the value to the task as an input, and read $.name.", find=scripts.expression_in_script,
    ),
    LintCheck(
        code="python-without-return", level=WARNING, title="A Python script that returns nothing",
        why="The server makes a function of the script: without a return its value is null (3.32.1). Its inputs are "
        "variables; a list or an object among them can be returned, and nothing else be done with it.",
        fix="Write return before the value.", find=scripts.python_without_return,
    ),
    LintCheck(
        code="stringified-input", level=WARNING, title="JSON.stringify of an input",
        why="Objects in a script's input are Java's: JSON.stringify makes {} of them (3.32.1).",
        fix="Use a JSON_JQ_TRANSFORM with tojson, or hand the object on as it is.", find=scripts.stringified_input,
    ),
    LintCheck(
        code="members-of-input", level=WARNING, title="Object.keys of an input",
        why="Objects in a script's input are Java's: Object.keys, values, entries, assign, hasOwnProperty and in see "
        "their methods, and none of their keys (3.32.1).",
        fix="Write Array.from($.x.keySet()), $.x.containsKey('name'), for (const key in $.x), or take a copy first: "
        "({...$.x}).", find=scripts.members_of_input,
    ),
    LintCheck(
        code="bad-request", level=ERROR, title="A HTTP request that is never sent",
        why="The server fails the task before it sends anything, or cannot read the request and tries again and again.",
        fix="Give the request a uri with http:// or https:// and a host, a method in capitals, and media types with a "
        "slash; leave out what is null.", find=requests.bad_request,
    ),
    LintCheck(
        code="wrong-input", level=ERROR, title="An input that a system task cannot take",
        why="The server takes the definition; when the task runs, it answers 500 or fails the task. If the task is "
        "optional and only fails, it is a warning.",
        fix="Give a value of the type that is named.", find=inputs.wrong_input,
    ),
    LintCheck(
        code="negative-version", level=WARNING, title="A version below 0",
        why="The server takes it and never finds it as the newest: who starts the workflow by name is answered 404.",
        fix="Count versions from 1.", find=inputs.negative_version,
    ),
    LintCheck(
        code="not-simulated", level=INFO, title="What only a real server does",
        why="The embedded engine refuses a definition that evaluates Python, asks a database, or publishes to Kafka, "
        "and fails an EVENT to a broker as a server without it does; `k1n run` simulates the task and says so.",
        fix="Test it with --k1n-server=jar, or a URL.", find=unsimulated.not_simulated,
    ),
    LintCheck(
        code="unknown-type", level=WARNING, title="A type that Conductor does not know",
        why="The task is queued under its type, and waits for a worker that polls for that.",
        fix="Correct it, or make it a SIMPLE task.", find=types.unknown_type,
    ),
    LintCheck(
        code="foreign-type", level=WARNING, title="A type that only some servers run",
        why="A Conductor without it queues the task under its type, where no worker polls.",
        fix="Run it on a server that has the type; in a test a handler can stand for it.", find=types.foreign_type,
    ),
    LintCheck(
        code="old-type", level=WARNING, title="A deprecated type",
        why="It still runs on 3.32, and may be gone in a later release.", fix="Use its successor.", find=types.old_type,
    ),
    LintCheck(
        code="recursion", level=ERROR, title="A workflow that starts itself",
        why="Each execution starts the next without end. Where a SWITCH or a TERMINATE may stop it, and where it "
        "is its own failureWorkflow, it is a warning.",
        fix="Use a loop, or make sure that something ends it.", find=children.recursion,
    ),
    LintCheck(
        code="unknown-child", level=WARNING, title="A workflow is started by a misspelt name",
        why="No workflow among the files is called that, and one is called nearly so. The server refuses to start an "
        "execution that names a sub-workflow which it does not have.",
        fix="Correct the name.", find=children.unknown_child,
    ),
    LintCheck(
        code="no-child", level=ERROR, title="A sub-workflow without a name",
        why="The server cannot start the execution.", fix="Name the workflow in subWorkflowParam.",
        find=children.no_child,
    ),
    LintCheck(
        code="version-not-pinned", level=WARNING, title="A sub-workflow without a version",
        why="The newest version runs, so that registering the child changes the parent.",
        fix="Write the version in subWorkflowParam.", find=children.version_not_pinned,
    ),
    LintCheck(
        code="unknown-version", level=WARNING, title="A version of a sub-workflow that is not here",
        why="The files have other versions of it: the server may not have this one either.",
        fix="Correct the version, or add the file.", find=children.unknown_version,
    ),
    LintCheck(
        code="no-workflow-timeout", level=WARNING, title="A workflow without a timeout",
        why="An execution that hangs is RUNNING for ever.",
        fix='Write "timeoutSeconds": N and "timeoutPolicy": "TIME_OUT_WF".', find=timeouts.workflow_without_timeout,
    ),
    LintCheck(
        code="timeout-only-alerts", level=WARNING, title="A workflow timeout that ends nothing",
        why="ALERT_ONLY, the default, writes a line into the server's log.",
        fix='Write "timeoutPolicy": "TIME_OUT_WF".', find=timeouts.timeout_that_only_alerts,
    ),
    LintCheck(
        code="bad-task-definition", level=ERROR, target=Target.TASK, title="A task definition that the server refuses",
        why="It demands responseTimeoutSeconds of 1 or more, not above timeoutSeconds, and that not above "
        "totalTimeoutSeconds.",
        fix="Change the number that is named.", find=demands.bad_task_definition,
    ),
    LintCheck(
        code="bad-inline-task-definition", level=WARNING, title="A task carries a definition that would be refused",
        why="Registered by itself the server refuses it. Carried by a task it is taken as it is: a response timeout "
        "above the timeout never strikes.",
        fix="Change the number that is named.", find=demands.bad_inline_task_definition,
    ),
    LintCheck(
        code="no-task-timeout", level=WARNING, target=Target.TASK, title="A task definition without a timeout",
        why="A worker that says again and again that it is at work keeps the task for ever.",
        fix='Write "timeoutSeconds": N.', find=timeouts.task_without_timeout,
    ),
    LintCheck(
        code="no-timeout-policy", level=WARNING, target=Target.TASK, title="A task timeout without a policy that helps",
        why="TIME_OUT_WF, the default, ends the whole execution at the first timeout; ALERT_ONLY ends nothing.",
        fix='Write "timeoutPolicy": "RETRY", or say TIME_OUT_WF if that is meant.',
        find=timeouts.task_without_timeout_policy,
    ),
    LintCheck(
        code="people-cut-short", level=WARNING, target=Target.TASK, title="A response timeout that people do not meet",
        why="It counts for a HUMAN, too, and a person sends no signs of life: the task ends so long after it was "
        "scheduled, an hour by default, whatever timeoutSeconds allows.",
        fix="Write as many responseTimeoutSeconds as timeoutSeconds.", find=timeouts.people_cut_short,
    ),
    LintCheck(
        code="wait-cut-short", level=WARNING, target=Target.TASK, title="A response timeout that ends what only waits",
        why="The server looks the definition up by the task's name for its own tasks, too: a WAIT, a JOIN or a "
        "DO_WHILE gives no signs of life, and the response timeout, an hour by default, ends it and the execution.",
        fix="Give the task another name; of a JOIN or DO_WHILE you may also write as many responseTimeoutSeconds as "
        "timeoutSeconds.", find=timeouts.wait_cut_short,
    ),
    LintCheck(
        code="retry-without-delay", level=WARNING, target=Target.TASK, title="Retries without a delay",
        why="All retries are used up in the second in which something is down.",
        fix='Write "retryDelaySeconds": N, or another retryLogic.', find=timeouts.retry_without_delay,
    ),
    LintCheck(
        code="number-without-effect", level=INFO, target=Target.TASK, title="A number that is not read",
        why="Another field of the task definition decides that it is not.", fix="Remove it, or change the other.",
        find=timeouts.number_without_effect,
    ),
    LintCheck(
        code="plain-secret", level=WARNING, title="A secret in plain text",
        why="Who can reach the server can read its definitions, and the inputs of every execution.",
        fix="Let the worker read it from its environment, or write ${workflow.secrets.NAME}.",
        find=secrets.plain_secret,
    ),
    LintCheck(
        code="unknown-key", level=WARNING, title="A misspelt key",
        why="The server ignores keys that it does not know: a retryCuont is three retries, the default.",
        fix="Correct the key.", find=keys.unknown_key,
    ),
    LintCheck(
        code="foreign-key", level=INFO, title="A key that Conductor does not have",
        why="The server ignores it, and does not keep it.",
        fix="Remove it, or move it into inputParameters or metadata.", find=keys.foreign_key,
    ),
    LintCheck(
        code="key-of-task-definition", level=INFO, title="A task definition's key on a task of a workflow",
        why="Timeouts, limits and the retries' delays are read from the task definition; of the workflow's task only "
        "retryCount is.",
        fix="Move it into the task definition, or into taskDefinition of this task.", find=keys.key_of_task_definition,
    ),
    LintCheck(
        code="key-of-other-type", level=INFO, title="A key that the task's type does not read",
        why="It has no effect; tasks that it holds never run, which is a warning.",
        fix="Remove it, or change the type.", find=keys.key_of_other_type,
    ),
)  # fmt: skip
"""Every check, in the order of the reference page."""

BY_CODE: Final[Mapping[str, LintCheck]] = {check.code: check for check in CHECKS}
_OF_BOTH: Final = frozenset({
    "wrong-type", "no-name", "bad-schema", "duplicate-definition", "plain-secret", "unknown-key", "foreign-key",
})  # fmt: skip
"""Checks of workflows that look at task definitions too."""


def checks_of(target: Target) -> Iterator[LintCheck]:
    """Yield the checks that look at one kind of thing."""
    return (check for check in CHECKS if check.target is target or (target is Target.TASK and check.code in _OF_BOTH))
