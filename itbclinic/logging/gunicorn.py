"""gunicorn's own messages in the shape of all others; it starts before Django sets up the rest."""

from typing import Any

from gunicorn.glogging import Logger  # type: ignore[import-untyped, unused-ignore]

from itbclinic.logging.records import JsonFormatter, NoPatientData


class GunicornLogger(Logger):  # type: ignore[misc, unused-ignore]
    """For `--logger-class`."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(JsonFormatter())
            handler.addFilter(NoPatientData())
