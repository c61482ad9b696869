"""The order of a course: its sections, and what stands in them."""
