"""The WSGI entry point: `granian --interface wsgi learnomy_wp.wsgi:app`."""

import os

from learnomy_wp.app import create_app
from learnomy_wp.config import Config
from learnomy_wp.kernel.runtime import share_metrics
from learnomy_wp.kernel.worker import Worker

config = Config.load(os.environ)
share_metrics(config)
app = create_app(config)

if config.embedded:
    Worker(app.extensions["learnomy"]).start()  # the embedded default has no worker process
