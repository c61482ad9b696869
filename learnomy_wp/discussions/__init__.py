"""Questions about a lesson, and their answers."""
