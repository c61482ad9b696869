"""A private WordPress with everything around it: database, Redis, PHP-FPM, nginx, backend and worker.

Standard library only, so that it runs with any Python 3.11 before the project is installed.
"""
