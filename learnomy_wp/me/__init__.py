"""The caller's own account: profile, courses and dashboard."""
