"""Who is in which course: grants, requests, ends of access."""
