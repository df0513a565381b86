"""Measures of a colorizer on photos that it never saw."""
