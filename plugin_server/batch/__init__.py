"""Batches: folders of photos become folders of coloured photos."""
