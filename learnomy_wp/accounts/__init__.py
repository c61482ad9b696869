"""Who is logged in: tokens, and what the credentials are."""
