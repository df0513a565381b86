"""Scans: toned paper and printed screens, read as what they show."""
