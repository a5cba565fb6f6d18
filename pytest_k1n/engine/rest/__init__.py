"""The REST resources: a module each, all their routes together here."""

from pytest_k1n.engine.rest import bulk, health, metadata, signals, tasks, workflows

ROUTES = (*health.ROUTES, *metadata.ROUTES, *workflows.ROUTES, *bulk.ROUTES, *tasks.ROUTES, *signals.ROUTES)
