"""The WSGI entry point: `granian --interface wsgi learnomy_wp.wsgi:app`."""

from learnomy_wp.app import create_app

app = create_app()
