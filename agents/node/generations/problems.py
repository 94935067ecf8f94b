"""Why a file is not used, and why nothing could be written: sentences for people, with what to do next."""

from __future__ import annotations

from api.errors import FairleadError


class NotUsable(FairleadError):
    """A file that this agent does not use as it is, and somebody may mend or another agent may use: left in place."""

    status = "FAILED_PRECONDITION"
    exit_code = 3


class Damaged(NotUsable):
    """A file that nobody will ever use again: set aside."""

    status = "DATA_LOSS"


class NotWritten(FairleadError):
    """The disk did not take it. What was there is as it was; to try again later is safe."""

    status = "UNAVAILABLE"
    exit_code = 4


class Gone(FairleadError):
    """The candidate is not there any more, or is damaged: there is nothing to judge."""

    status = "NOT_FOUND"
    exit_code = 3
