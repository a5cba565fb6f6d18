"""Every finding code with its usual cause and its remedy: the reference in the docs is generated from this table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Meaning(NamedTuple):
    """What a code says, to a reader who meets it for the first time."""

    cause: str
    remedy: str


CODES: Mapping[str, Meaning] = {
    "assertion-failed": Meaning(
        "An assert in a callable given to expect() did not hold.",
        "Read its message; return Findings instead to name ref, expected and observed.",
    ),
    "attempt-lost": Meaning(
        "A fault took an attempt from a worker that lived and worked on it: it TIMED_OUT.",
        "Have the worker extend its lease while it works, and repeat a result until it is answered.",
    ),
    "attempt-repeated": Meaning(
        "The handler was invoked twice for one attempt, such as after a delivery that came twice.",
        "Have the worker remember the task ids that it has in hand or has done.",
    ),
    "attempts-missing": Meaning(
        "The attempts of a task on record are not numbered 0, 1, 2, …: a record is missing, or was changed.",
        "Read the execution anew from the server; an export may have lost records.",
    ),
    "barrier-crossed": Meaning(
        "A task of a later phase started before the last task of the earlier one had ended.",
        "Put a JOIN or a sequence between the phases in the definition, or correct the refs of the phases in the plan.",
    ),
    "baseline-stale": Meaning(
        "The accepted baseline is of another definition or environment, or of long ago: it says nothing, or little.",
        "Accept runs of today with k1n baseline accept; the finding says which tasks have come, gone or been renamed.",
    ),
    "batch-too-long": Meaning(
        "The executions together took longer than the longest of them.",
        "See which execution started late or ended last; the launch of the batch may have been held up.",
    ),
    "bound-broken": Meaning(
        "A makespan is shorter than the longest path of its graph: stamps or order are wrong.",
        "Look at the findings on order; please report it if there are none.",
    ),
    "clock-step": Meaning(
        "The server's clock was set back during the execution (NTP, VM migration): stamps run against seq.",
        "Run again on a host with a steady clock; nothing can be said about order in this execution.",
    ),
    "contradiction": Meaning(
        "A record says two things that cannot both be true: a switch its value, a loop its rounds, a task its child.",
        "See where the record comes from: a server keeps them alike.",
    ),
    "data-dependency": Meaning(
        "A task reads, directly or over others, what a task that should be independent of it puts out.",
        "Remove the ${...} expression from its inputParameters, or do not run the two in parallel.",
    ),
    "divergent": Meaning(
        "The embedded engine and the real server gave different histories.",
        "Read the difference; list it with its upstream reason, or mend the engine.",
    ),
    "done-twice": Meaning(
        "Two attempts of one task COMPLETED.",
        "Look for a late update after a timeout; make the handler idempotent by task id.",
    ),
    "effect-lost": Meaning(
        "A task is COMPLETED, and its work has taken no effect.",
        "Report a result only after the effect is made.",
    ),
    "effect-repeated": Meaning(
        "The work of one task took effect more than once, such as in the attempt after a lost result.",
        "Make the handler idempotent by workflow id, ref and iteration: what an earlier attempt has done counts.",
    ),
    "ended-early": Meaning(
        "A JOIN or a loop ended although something it waits for had not.",
        "Check joinOn; a dynamic fork's JOIN once did so by a server defect (conductor-oss issue 18).",
    ),
    "ended-late": Meaning(
        "An execution ended after one that it should have ended before.",
        "Look at both critical paths: one was slower, or the other faster, than planned.",
    ),
    "error-in-log": Meaning(
        "A handler wrote a line with ERROR, FATAL or CRITICAL to the task's log.",
        "Read the log of that attempt; log at a lower level what is no error.",
    ),
    "faster-than-estimate": Meaning(
        "Something took clearly less time than the plan estimates, inside its band.",
        "Correct the estimate if it stays so; check that the work was really done.",
    ),
    "foreign-record": Meaning(
        "A task's record says that it is of another execution.",
        "Read the execution anew from the server; do not put documents together by hand.",
    ),
    "held-unwanted": Meaning(
        "An expectation holds that never(...) says must not hold.",
        "Read the reason that the test gives: it says why this should not have come out well.",
    ),
    "join-lag": Meaning(
        "A JOIN on the critical path ended longer after its last branch than budgeted.",
        "See how often the server looks after its system tasks (systemTaskWorkerPollInterval); joinMode SYNC helps.",
    ),
    "join-on-nothing": Meaning(
        "The JOIN behind a static fork has an empty joinOn, as some SDKs write it: it is over at once, no barrier.",
        "Name the last task of every branch in its joinOn; k1n lint says which they are.",
    ),
    "joins-late": Meaning(
        "The server looks at JOINs too seldom: those of control executions without any work were late as well.",
        "See how often it looks after its system tasks (systemTaskWorkerPollInterval), and what else runs beside it.",
    ),
    "judgement-crashed": Meaning(
        "An expectation or a callable given to expect() raised an exception, or returned no Findings.",
        "Mend the callable; for one of our own expectations please report it with the saved execution.",
    ),
    "left-behind": Meaning(
        "Messages stayed in a queue, or a process outlived what it was started for.",
        "See which task they are of; end workers by their process group.",
    ),
    "lineage-broken": Meaning(
        "A task was given another value than its definition's expression stands for.",
        "Compare the producer's outputData with the reader's inputData in the saved execution.",
    ),
    "no-band": Meaning(
        "The plan gives no band for what should be in one.",
        "Add the band to the plan, or pass it.",
    ),
    "no-definition": Meaning(
        "No task definition is known for a task that was retried.",
        "Register it, or pass the folder of task definitions in the plan.",
    ),
    "no-end-stamp": Meaning(
        "A task or execution has ended by its status, and its record has no endTime.",
        "Read the execution anew from the server; nothing can be said about order and duration.",
    ),
    "no-estimate": Meaning(
        "The plan gives no estimate for what should be on it.",
        "Add the estimate to the plan, or leave the ref out.",
    ),
    "no-ledger": Meaning(
        "The worker is not the run's, so it is not recorded how often its handlers were called.",
        "Run with the plugin's own worker, or leave this expectation to tests that do.",
    ),
    "no-log-line": Meaning(
        "A task has no log line from the time it ran.",
        "Let the handler log at least one line; see that worker and server clocks agree within a second.",
    ),
    "no-logs": Meaning(
        "The tasks' logs were not fetched, or the server keeps none.",
        "Judge an execution whose logs were fetched while the server was up.",
    ),
    "no-phases": Meaning(
        "The plan divides this workflow into fewer than two phases.",
        "Add phases to its template.",
    ),
    "no-reference": Meaning(
        "A task ran beside others and not alone, so its slow-down is not known.",
        "Run the execution alone to its end.",
    ),
    "no-stamp": Meaning(
        "A time stamp that the judgement needs is not on record.",
        "Look at the saved execution: the task was skipped, or the server never stamped it.",
    ),
    "no-start-stamp": Meaning(
        "A worker has polled for a task and reported its end, and the record has no startTime.",
        "Read the execution anew from the server; nothing can be said about order and duration.",
    ),
    "no-time-taken": Meaning(
        "Every task of the execution took 0 ms, though a network lies between server and workers.",
        "Say --time virtual for an execution of the embedded engine; else find out what wrote the record.",
    ),
    "no-validator": Meaning(
        "Schemas are declared, and no JSON Schema validator was given.",
        "Evaluate the gates through the plugin or the k1n command.",
    ),
    "no-worker-id": Meaning(
        "A task does not say which worker ran it.",
        "Let the worker send its id with polls and updates.",
    ),
    "not-a-switch": Meaning(
        "A task that is no SWITCH was given to took_branch().",
        "Give it the ref of the SWITCH.",
    ),
    "not-compensated": Meaning(
        "The failure workflow that should make good for a failed execution was not started.",
        "Check failureWorkflow in the definition; the server starts none after a termination by the API.",
    ),
    "not-concurrent": Meaning(
        "Two tasks that should run at once did not, or only for a moment.",
        "Put them into branches of one fork; see that workers have a slot free for each.",
    ),
    "not-critical": Meaning(
        "Another task decides the makespan.",
        "Look at the critical path in the report; correct the plan or the test.",
    ),
    "not-deterministic": Meaning(
        "The same seed gave different histories.",
        "Please report it with the seed: the embedded engine promises otherwise.",
    ),
    "not-finished": Meaning(
        "Something started and had not ended when waiting ended.",
        "Look at the worker's log and the task's heartbeat; raise the deadline only if it was still working.",
    ),
    "not-measurable": Meaning(
        "A latency is above its budget, and not by more than the machine or the server stood still meanwhile.",
        "Nothing, if it is rare: run on a quieter machine to have it judged, or with --k1n-latency=strict as measured.",
    ),
    "not-optional": Meaning(
        "A task is COMPLETED_WITH_ERRORS, which only optional ones become, and its definition does not say so.",
        "Judge by the definition that ran (k1n check shows the difference), or read the execution anew.",
    ),
    "not-recovered": Meaning(
        "After an injected fault the execution did not end in time, or something was left behind.",
        "Look at the server's and worker's logs around the fault.",
    ),
    "not-run": Meaning(
        "A task that should have run was never scheduled.",
        "See how far the execution came, and which case its SWITCHes took.",
    ),
    "open-task": Meaning(
        "The execution is COMPLETED, and one of its tasks is still open.",
        "Read the execution anew from the server; a copy taken in the middle of a change shows this.",
    ),
    "open-with-end": Meaning(
        "A record has an endTime although its status is not terminal.",
        "Read the execution anew from the server.",
    ),
    "other-definition": Meaning(
        "The server ran another definition than the one required: another version, or the same with other content.",
        "Register the required definition under a version of its own; or judge by what ran: leave the plan out.",
    ),
    "outside-band": Meaning(
        "A duration or a start is outside its band.",
        "Look where the time went (the critical path); correct the band only if the plan was wrong.",
    ),
    "outside-execution": Meaning(
        "A task's stamps lie before its execution's start or after its end.",
        "Read the execution anew from the server; a clock may have been set in between.",
    ),
    "outside-loop": Meaning(
        "A task has an iteration although no DO_WHILE holds it, or none although one does.",
        "Judge by the definition that ran, or read the execution anew.",
    ),
    "overhead": Meaning(
        "Queue, join and engine took more of the critical path at one task than budgeted.",
        "See the segments of the critical path: a busy worker, a late JOIN, a busy server.",
    ),
    "overlap-undecidable": Meaning(
        "Two tasks overlap, or touch, by less than stamps of 1 ms can show.",
        "Let the tasks work longer, 20 ms at least: `task.sleep(1000)` in a handler, `takes` or an estimate for "
        "simulated work, a lower --k1n-speed in scaled time.",
    ),
    "overrun": Meaning(
        "More tasks of one definition ran at once than the worker has slots, or than concurrentExecLimit allows.",
        "Look for a second worker with the same id, or a limit that the server does not enforce.",
    ),
    "pending": Meaning(
        "It is too early to tell.",
        "Wait for the execution to end; no action.",
    ),
    "phase-not-run": Meaning(
        "A phase never started, so the barrier before it was not put to the test.",
        "See how far the execution came.",
    ),
    "regression": Meaning(
        "A series is slower than its baseline.",
        "See which task or segment; accept the new level with k1n baseline accept if it is meant.",
    ),
    "retried-early": Meaning(
        "The next attempt began before its declared delay had passed.",
        "Look at retryDelaySeconds and retryLogic of the task definition that was registered.",
    ),
    "retried-late": Meaning(
        "The next attempt began long after its declared delay.",
        "The server sweeps late, or no worker was free: see the queue wait.",
    ),
    "retry-unexplained": Meaning(
        "An attempt was repeated that had neither failed nor timed out with a reason.",
        "Let the handler give a reason; look for a retry by hand.",
    ),
    "round-missing": Meaning(
        "A loop counts a round of which no record is there.",
        "Read the execution anew from the server; an export may have lost records.",
    ),
    "same-execution": Meaning(
        "An execution was compared with itself.",
        "Pass the other execution of the batch.",
    ),
    "same-id": Meaning(
        "Several records carry one task id.",
        "Read the execution anew from the server; a record was copied.",
    ),
    "scheduled-early": Meaning(
        "A task was scheduled before the one it should follow had ended, and started after it by chance only.",
        "Let the definition order them: put one after the other, or a JOIN between.",
    ),
    "schema-violation": Meaning(
        "A document does not satisfy its schema, or lacks declared keys.",
        "Mend the handler's output, or the schema.",
    ),
    "skipped-unasked": Meaning(
        "A task was SKIPPED without a request to skip it.",
        "Find the caller of skiptask; if it was asked to, say so: completed(skipped=[REF]), k1n check --skipped REF.",
    ),
    "slower-than-estimate": Meaning(
        "Something took longer than the plan estimates, by more than the tolerance.",
        "Look where the time went; correct the estimate if it stays so.",
    ),
    "slower-together": Meaning(
        "A task took longer beside other executions than alone.",
        "See what they share: CPU, files, locks, a remote service.",
    ),
    "stalled": Meaning(
        "All that a step waits for has happened, and the engine has not taken it: a lost message, a process that died.",
        "Ask the server to decide (PUT /workflow/decide/ID); a JOIN that a dead server had in hand needs POST /tasks "
        "with its id, IN_PROGRESS, callbackAfterSeconds 1. Then see whether its sweeper runs and reaches its queue.",
    ),
    "stamps-out-of-order": Meaning(
        "A task's own stamps contradict each other: started before it was scheduled, or ended before it started.",
        "A defect of the server or of what recorded the execution: look at the saved execution.",
    ),
    "started-early": Meaning(
        "A task was scheduled or started before something that it must wait for had ended.",
        "Look at the edge that the finding names: the definition that ran does not contain it.",
    ),
    "started-late": Meaning(
        "A worker took the task later than allowed.",
        "See whether its worker was running and free; raise the limit for workers that poll slowly.",
    ),
    "starts-apart": Meaning(
        "Tasks that should start together were taken too far apart.",
        "Give the workers a slot for each of them; see whether the server was busy.",
    ),
    "suspected-regression": Meaning(
        "A series looks slower than its baseline, but so few executions do not make sure of it.",
        "Run again, or let the run do so with --k1n-confirm=4.",
    ),
    "tainted": Meaning(
        "An id or data of one execution turned up in another.",
        "Look for shared files, caches or variables in the handlers; key them by workflow id.",
    ),
    "task-failed": Meaning(
        "A task failed and has no attempt left.",
        "Read its reason and its log; both are in the report.",
    ),
    "timeout-ignored": Meaning(
        "A task ran on beyond its timeout and a sweep.",
        "See whether the server sweeps; PUT /workflow/decide/{id} makes it look.",
    ),
    "too-many-attempts": Meaning(
        "A task took more attempts than its definition allows.",
        "Look for retries by hand.",
    ),
    "unanswered": Meaning(
        "A HUMAN or WAIT that a person should have answered ended otherwise, or is still open.",
        "Let somebody answer: answers={...} of run and start or of the plan, or complete(ref) in the test.",
    ),
    "unexpected-task": Meaning(
        "A task is on record that the definition has no place for.",
        "The server ran another version of the definition: register the right one, or judge by that.",
    ),
    "unknown-phase": Meaning(
        "The plan has no phase of that number or name.",
        "Correct the test, or the plan.",
    ),
    "unknown-ref": Meaning(
        "The definition has no task of that reference name.",
        "Correct the spelling in the test.",
    ),
    "unresolved-expression": Meaning(
        "A task was given an expression as it stands in the definition.",
        "Correct the expression: the server did not recognise it.",
    ),
    "unwanted-task": Meaning(
        "A task was scheduled that should not have been.",
        "See which case its SWITCH took, and by what value.",
    ),
    "waited-long": Meaning(
        "A task waited longer for a worker than allowed.",
        "See what the worker was doing meanwhile (the blame in the report); add slots or workers.",
    ),
    "waiting": Meaning(
        "The execution is open; this says whose turn it is: a worker's, a signal's, the branches' of a JOIN.",
        "Let that happen: start a worker for the type and domain named, send the signal, resume what is paused.",
    ),
    "waits-for-ever": Meaning(
        "A JOIN waits for a task that its execution will never schedule: in a case that was not taken, or unknown.",
        "Correct joinOn (a NOOP behind a SWITCH can be waited for; k1n lint finds it), and terminate the execution.",
    ),
    "wrong-answer": Meaning(
        "Somebody else answered, or the answer does not say who did.",
        "See the task's output; `at` is the path of the name in it.",
    ),
    "wrong-attempts": Meaning(
        "A task took more or fewer attempts than expected.",
        "Read the reasons of its failed attempts.",
    ),
    "wrong-branch": Meaning(
        "A SWITCH took another case.",
        "Look at the value it evaluated, in its inputData.",
    ),
    "wrong-concurrency": Meaning(
        "More or fewer tasks ran at once at the busiest moment than expected.",
        "See which tasks these were; check the forks of the definition and the workers' slots.",
    ),
    "wrong-invocations": Meaning(
        "The worker's ledger shows more or fewer calls of the handler than one.",
        "Look for a retry, a second worker, or an update that was lost and repeated.",
    ),
    "wrong-reason": Meaning(
        "It ended as expected, for another reason.",
        "Read the reason it gives.",
    ),
    "wrong-speed-up": Meaning(
        "Work over makespan is below what the plan declares, or above what the graph allows.",
        "Look at the critical path: branches that wait, a join lag; correct min_speedup if it was wrong.",
    ),
    "wrong-status": Meaning(
        "The execution ended, or stands, in another status.",
        "Read its reason; see the task that failed first.",
    ),
    "wrong-value": Meaning(
        "Data is missing or different.",
        "Look at the document that the finding names.",
    ),
    "wrong-wait": Meaning(
        "A task waited shorter or longer for its end than it should.",
        "See what ended it, and when; the time-out of the task may be longer than the wait that is allowed.",
    ),
}
