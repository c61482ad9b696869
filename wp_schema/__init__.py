"""The database as WordPress sees it: tables, formats and the Learnomy schema."""
