"""Images: bytes become layers and layers bytes; formats, metadata, profiles, limits."""
