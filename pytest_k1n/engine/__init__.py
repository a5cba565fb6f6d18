"""The embedded engine: Conductor's semantics in this process, in virtual, manual, scaled or real time.

Runs SIMPLE, FORK_JOIN, JOIN, EXCLUSIVE_JOIN, SWITCH, DECISION, DO_WHILE, SUB_WORKFLOW, START_WORKFLOW,
FORK_JOIN_DYNAMIC, DYNAMIC, TERMINATE, SET_VARIABLE, WAIT, HUMAN, NOOP, HTTP, EVENT (internal sink), INLINE, LAMBDA and
JSON_JQ_TRANSFORM; any other name is queued for a worker, as on the server. Event handlers act on the internal sink.

Refused by name when a definition is registered: KAFKA_PUBLISH and the AI task types, a DO_WHILE inside a DO_WHILE
(stalls on Conductor 3.32.1), other event sinks, Python evaluators, and, without the `scripts` extra, whatever needs
JavaScript or jq. Accepted and without effect, as on the server's SQL backends: rate limits, idempotency keys.
"""
