"""Reviews of courses: written by students, moderated, replied to, and rolled up into the course's rating."""
