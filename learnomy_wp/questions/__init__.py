"""The question bank: questions with their versions, their types, and how they come in and go out."""
