"""Kinds of Conductor server (jar, container, external, embedded) over one process supervisor."""
