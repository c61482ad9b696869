"""Shared machinery of the backend; it knows no feature."""
