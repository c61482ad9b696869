"""How far a learner is: completion, position, locks, and when a course is completed."""
