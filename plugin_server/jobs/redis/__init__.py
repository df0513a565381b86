"""The queue on many machines: Celery wakes the workers, and Redis holds what they are to do.

Needs the extra ``photochrom[cluster]``. See docs/scale.md and docs/decisions.
"""
