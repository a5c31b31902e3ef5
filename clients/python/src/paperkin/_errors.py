"""What can go wrong: one class for each code of the service, and two for when it gives no answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .types import Report


class PaperkinError(Exception):
    """Whatever this package raises of its own."""


class Unreachable(PaperkinError):
    """The service gave no answer: nobody listens there, the connection broke, or it took longer than `timeout`."""


class NotReady(PaperkinError):
    """What was asked for is still being made (the themes, for the first time), for longer than `max_wait`."""

    def __init__(self, message: str, job: str, retry_after: float) -> None:
        """Of the body of a 202."""
        super().__init__(message)
        #: The job that makes it; see `Paperkin.job`.
        self.job = job
        #: Seconds after which to ask again.
        self.retry_after = retry_after


class ApiError(PaperkinError):
    """An answer of the service that is an error. Its subclasses are the codes."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        status: int,
        detail: dict[str, Any] | None = None,
        retry_after: float | None = None,
        request_id: str | None = None,
    ) -> None:
        """Of an answer."""
        super().__init__(message)
        #: One word for programs, for example `not_found`.
        self.code = code
        #: A sentence for people.
        self.message = message
        #: The HTTP status.
        self.status = status
        #: More for programs, by kind of error; None where there is no more.
        self.detail = detail
        #: Seconds after which to ask again, where the service says so.
        self.retry_after = retry_after
        #: The name of the request in the log of the service, where it gave one.
        self.request_id = request_id
        #: What of an ingest is in, where one failed.
        self.report: Report | None = None

    def __str__(self) -> str:
        """The sentence with the code in front."""
        return f"{self.code}: {self.message}"


class BadRequest(ApiError):
    """400: what was sent cannot be read, or names a parameter or field that does not exist."""


class Unauthorized(ApiError):
    """401: the key is missing, or opens nothing."""


class Forbidden(ApiError):
    """403: the key opens other things than this."""


class NotFound(ApiError):
    """404: what is named does not exist."""


class MethodNotAllowed(ApiError):
    """405: the service is older or newer than this package, or the base URL leads elsewhere."""


class Timeout(ApiError):
    """408: the service took too long, or waited too long for what was to be sent."""


class Conflict(ApiError):
    """409: it is being done already."""


class PayloadTooLarge(ApiError):
    """413: the body is longer than the service takes."""


class UnsupportedMediaType(ApiError):
    """415: the body is of another type, or compressed."""


class Misdirected(ApiError):
    """421: the service does not go by the host name that was used; its setting `hosts` names more."""


class Invalid(ApiError):
    """422: what was sent can be read and is not allowed."""


class RateLimited(ApiError):
    """429: too many requests; `retry_after` says when to come back."""


class Internal(ApiError):
    """500: something went wrong inside; the log of the service says more."""


class Overloaded(ApiError):
    """503: too much is waiting, or the service is still starting; `retry_after` says when to come back."""


class InsufficientStorage(ApiError):
    """507: the disk of the service is full; this was not written."""


#: The status of each code.
STATUS: dict[str, int] = {
    "bad_request": 400,
    "unauthorized": 401,
    "forbidden": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "timeout": 408,
    "conflict": 409,
    "payload_too_large": 413,
    "unsupported_media_type": 415,
    "misdirected": 421,
    "invalid": 422,
    "rate_limited": 429,
    "internal": 500,
    "overloaded": 503,
    "insufficient_storage": 507,
}

#: The class of each code.
BY_CODE: dict[str, type[ApiError]] = {
    "bad_request": BadRequest,
    "unauthorized": Unauthorized,
    "forbidden": Forbidden,
    "not_found": NotFound,
    "method_not_allowed": MethodNotAllowed,
    "timeout": Timeout,
    "conflict": Conflict,
    "payload_too_large": PayloadTooLarge,
    "unsupported_media_type": UnsupportedMediaType,
    "misdirected": Misdirected,
    "invalid": Invalid,
    "rate_limited": RateLimited,
    "internal": Internal,
    "overloaded": Overloaded,
    "insufficient_storage": InsufficientStorage,
}
