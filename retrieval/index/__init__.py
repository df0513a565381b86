"""Vectors that are searched: FAISS, kept in step with the database."""
