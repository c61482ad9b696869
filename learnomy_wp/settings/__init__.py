"""The site's settings, read and written as one resource."""
