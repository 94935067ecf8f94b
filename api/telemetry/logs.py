"""Logs: one JSON object a line on standard error (or text for people), with revision, group, node and trace.

structlog is imported when a process first logs. The level can be changed while the process runs.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TextIO, cast

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def configure(level: str = "info", form: str = "json") -> None:
    """Set up this process's logs; again with another level changes it for every logger, libraries' own included."""
    import structlog

    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer = _renderer(form)
    structlog.configure(
        processors=[*shared, *renderer],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=structlog.WriteLoggerFactory(file=cast("TextIO", _StandardError())),
        cache_logger_on_first_use=False,
    )
    _route_library_logs(shared, renderer, _LEVELS[level])


class _StandardError:
    """Standard error as it is at the moment. Nobody may be reading it: a server does not fall over its own log."""

    def write(self, text: str) -> None:
        with suppress(OSError, ValueError):
            sys.stderr.write(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            sys.stderr.flush()


def _renderer(form: str) -> list[Any]:
    import structlog

    if form == "text":
        return [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(sort_keys=False)]


def _route_library_logs(shared: list[Any], renderer: list[Any], level: int) -> None:
    """What libraries log by the standard library comes out in the same form, from warnings up."""
    import structlog

    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
    )
    lines = logging.StreamHandler(_StandardError())
    lines.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [lines]
    root.setLevel(max(level, logging.WARNING))


def logger(component: str) -> FilteringBoundLogger:
    """A logger whose lines name the component."""
    import structlog

    return cast("FilteringBoundLogger", structlog.get_logger(component=component))


@contextmanager
def bound(**context: str | int) -> Iterator[None]:
    """Every line logged within names these; empty ones are left out. Follows the task, not the thread."""
    import structlog

    with structlog.contextvars.bound_contextvars(**{key: value for key, value in context.items() if value}):
        yield
