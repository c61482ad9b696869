"""Analytics of courses, reports of the site, and its students."""
