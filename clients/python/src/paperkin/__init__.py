"""Client of paperkin, the engine that finds a reader the few papers that matter.

    from paperkin import Paperkin

    with Paperkin("http://127.0.0.1:7878") as client:
        for hit in client.search("how whales sleep")["papers"]:
            print(hit["title"])

`AsyncPaperkin` is the same for asyncio and trio. Answers are plain dicts with types (`paperkin.types`).
"""

from . import types
from ._async.client import AsyncPaperkin
from ._async.pages import AsyncPages
from ._core import UNSET, Progress
from ._errors import (
    ApiError,
    BadRequest,
    Conflict,
    Forbidden,
    InsufficientStorage,
    Internal,
    Invalid,
    MethodNotAllowed,
    Misdirected,
    NotFound,
    NotReady,
    Overloaded,
    PaperkinError,
    PayloadTooLarge,
    RateLimited,
    Timeout,
    Unauthorized,
    Unreachable,
    UnsupportedMediaType,
)
from ._sync.client import Paperkin
from ._sync.pages import Pages

__all__ = [
    "UNSET",
    "ApiError",
    "AsyncPages",
    "AsyncPaperkin",
    "BadRequest",
    "Conflict",
    "Forbidden",
    "InsufficientStorage",
    "Internal",
    "Invalid",
    "MethodNotAllowed",
    "Misdirected",
    "NotFound",
    "NotReady",
    "Overloaded",
    "Pages",
    "Paperkin",
    "PaperkinError",
    "PayloadTooLarge",
    "Progress",
    "RateLimited",
    "Timeout",
    "Unauthorized",
    "Unreachable",
    "UnsupportedMediaType",
    "types",
]
