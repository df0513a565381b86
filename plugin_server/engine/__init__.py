"""The engine: a request becomes an answer."""
