"""Where log lines go: stderr, one line each. stdout belongs to what commands print.

A traceback is written without the values of its variables: they may hold a private key or a person's details.
"""

from typing import Any

import structlog


def logging_configuration(*, level: str) -> dict[str, Any]:
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processor": structlog.dev.ConsoleRenderer(
                    colors=False, exception_formatter=structlog.dev.plain_traceback
                ),
                "foreign_pre_chain": [
                    structlog.stdlib.add_log_level,
                    structlog.processors.TimeStamper(fmt="iso", utc=True),
                ],
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": "WARNING"},
        "loggers": {
            "homeroom": {"level": level},
            "appleschool": {"level": level},
            "django_structlog": {"level": "WARNING"},
        },
    }
