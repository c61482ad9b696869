"""Quizzes: their rules and slots, attempts, grading, and what the answers say of the questions."""
