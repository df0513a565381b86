"""The queue on many machines: Celery carries the work, Redis holds the photos and the results.

Needs the extra ``photochrom[cluster]``. See docs/scale.md and docs/decisions.
"""
