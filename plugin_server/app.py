"""The Flask app: the only place where config, service and routes are put together."""

from __future__ import annotations

from flask import Flask

from plugin_server.config import Config
from plugin_server.http import access, problems
from plugin_server.http.messages import UploadRequest
from plugin_server.http.routes import (
    colorize,
    docs,
    exemplars,
    health,
    images,
    jobs,
    page,
    suggestions,
    things,
)
from plugin_server.service import Service

MAX_TEXT_BYTES = 4 * 1024 * 1024  # ten thousand hints as JSON need about 800 kB
MAX_PARTS = 100


def create_app(config: Config | None = None, service: Service | None = None) -> Flask:
    """Make the app; without a service its models are loaded and warmed here.

    Without a config the environment is read, so that any WSGI server can start the app.

    Raises:
        ConfigError: the environment holds a setting that cannot work.
        models.networks.checkpoint.WeightsError: a weights file is missing or damaged.
    """
    config = config or Config.from_environment()
    if service is None:
        service = Service.load(config)
        service.warm()
    app = Flask("plugin_server", static_folder="web", static_url_path="/web")
    app.request_class = UploadRequest
    app.config["MAX_CONTENT_LENGTH"] = config.max_bytes
    app.config["MAX_FORM_MEMORY_SIZE"] = MAX_TEXT_BYTES
    app.config["MAX_FORM_PARTS"] = MAX_PARTS
    access.install(app, config)
    problems.install(app)
    app.register_blueprint(health.blueprint(service, config))
    app.register_blueprint(colorize.blueprint(service))
    app.register_blueprint(jobs.blueprint(service))
    app.register_blueprint(images.blueprint(service))
    app.register_blueprint(suggestions.blueprint(service))
    app.register_blueprint(things.blueprint(service))
    app.register_blueprint(exemplars.blueprint(service))
    app.register_blueprint(docs.blueprint(config))
    app.register_blueprint(page.blueprint())
    return app
