"""Courses, their instructors, categories and tags."""
