"""The calls of the HTTP API: each view parses, calls the service, and encodes."""
