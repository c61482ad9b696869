"""The WSGI entry point: `granian --interface wsgi learnomy_wp.wsgi:app`."""

from learnomy_wp.app import create_app
from learnomy_wp.kernel.worker import Worker

app = create_app()

if app.extensions["learnomy"].config.embedded:
    Worker(app.extensions["learnomy"]).start()  # the embedded default has no worker process
