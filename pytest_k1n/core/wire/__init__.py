"""Conductor's JSON to the model and back."""
