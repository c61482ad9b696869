"""Lessons and their topics: content, media, rules of completion."""
