"""Guidance: what a person gives becomes a condition, and colours at places."""
