"""Registered definitions, and what is demanded of them."""
