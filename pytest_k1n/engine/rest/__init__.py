"""Conductor's REST API: a module per resource, a table of their routes, and the router that finds them."""
