"""Hooks of pytest: what happens when in a run that uses the plugin."""
