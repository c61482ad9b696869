"""Health, status and the API description."""
