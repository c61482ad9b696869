"""Who teaches here: the directory, and how one becomes an instructor."""
