"""All routes of all resources."""

from pytest_k1n.engine.rest import admin, bulk, events, executing, health, metadata, signals, tasks, testing, workflows

ROUTES = (
    *health.ROUTES,
    *admin.ROUTES,
    *metadata.ROUTES,
    *workflows.ROUTES,
    *bulk.ROUTES,
    *tasks.ROUTES,
    *signals.ROUTES,
    *executing.ROUTES,
    *testing.ROUTES,
    *events.ROUTES,
)
