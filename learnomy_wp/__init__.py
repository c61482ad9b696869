"""Learnomy: the backend of a learning platform for WordPress."""
