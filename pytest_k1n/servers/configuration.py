"""How a Conductor server of our own is configured: SQLite, quiet, tuned for low latency, deaf to the environment."""

from __future__ import annotations

from collections.abc import Mapping

RUN_UID = "K1N_RUN_UID"
"""The variable by which the orphans of a dead run can be found."""

LOW_LATENCY = {
    "conductor.app.systemTaskWorkerPollInterval": "10ms",
    "conductor.app.systemTaskQueuePopTimeout": "0ms",
    "conductor.app.sweeper.queuePopTimeout": "0",
    "conductor.app.sweeperThreadCount": "1",
    "conductor.app.systemTaskPostponeThreshold": "100000",
    "conductor.app.systemTaskWorkerCallbackDuration": "1s",
    "conductor.app.workflowOffsetTimeout": "5s",
    "conductor.app.taskExecutionPostponeDuration": "1s",
}
"""Measured on Conductor 3.32.1: JOIN lag 3-15 ms instead of up to 374 ms, a fifth of a core when idle."""

OWN_DATABASE = {
    "conductor.db.type": "sqlite",
    "conductor.queue.type": "sqlite",
    "conductor.indexing.type": "sqlite",
    "conductor.workflow-execution-lock.type": "local_only",
}

QUIET = {
    "conductor.integrations.ai.enabled": "false",
    "conductor.scheduler.enabled": "false",
    "management.health.elasticsearch.enabled": "false",
    "logging.level.root": "WARN",
}

JVM_FLAGS = (
    "-Xmx1g",
    "-Xms384m",
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    # Below these thresholds neither classes nor compiled code ask for a full collection. They did four times in the
    # first 8 s of a server's life, 25 to 125 ms each, the last in the middle of its first executions.
    "-XX:MetaspaceSize=256m",
    "-XX:ReservedCodeCacheSize=256m",
    "-XX:-UsePerfData",  # else a killed JVM leaves its file in /tmp/hsperfdata_USER
    "-Duser.timezone=UTC",  # searches of a server in another zone missed rows before 3.32.0
    "--enable-native-access=ALL-UNNAMED",  # SQLite's native library, without four lines of warnings
)

_STEERING = ("CONDUCTOR_", "SPRING_", "SERVER_", "MANAGEMENT_", "LOGGING_")
_KEPT = ("CONDUCTOR_SECRET_",)


def properties(*, run_uid: str) -> dict[str, str]:
    """Return the Spring properties of a server of this run; `/actuator/info` shows whose it is."""
    return {
        **LOW_LATENCY,
        **OWN_DATABASE,
        **QUIET,
        "management.info.env.enabled": "true",
        "management.endpoints.web.exposure.include": "health,info,prometheus",
        "info.k1n.run": run_uid,
    }


def sqlite_url(path: object) -> str:
    """Return the JDBC URL of an absolute path; a relative one would depend on the current folder.

    With a write-ahead log, `synchronous=NORMAL` loses nothing when a process dies, and no commit waits for the disk.
    """
    return f"jdbc:sqlite:{path}?busy_timeout=15000&journal_mode=WAL&synchronous=NORMAL"


def environment(environ: Mapping[str, str], run_uid: str) -> dict[str, str]:
    """Return `environ` without what would steer a Spring server elsewhere, such as to a production database."""
    kept = {
        name: value
        for name, value in environ.items()
        if name.startswith(_KEPT) or not name.upper().startswith(_STEERING)
    }
    return {**kept, RUN_UID: run_uid}
