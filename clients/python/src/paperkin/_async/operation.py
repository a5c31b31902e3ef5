"""What runs: mail, keys, webhooks, sources, jobs, backups."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from .. import _core as core
from .._core import Date
from ..types import (
    Asked,
    DeliveryOfWebhook,
    DeliveryView,
    Digests,
    JobView,
    KeyMade,
    KeyView,
    Link,
    Me,
    SessionView,
    SourceView,
    SubscriptionView,
    WebhookMade,
    WebhookView,
)
from .pages import AsyncPages
from .transport import LONG, AsyncTransport


class AsyncOperation(AsyncTransport):
    """The calls about the service itself."""

    async def subscribe(
        self,
        email: str,
        what: Mapping[str, Any],
        *,
        cadence: Literal["daily", "weekly"] | None = None,
        hour: int | None = None,
        time_zone: str | None = None,
        weekday: str | None = None,
        budget: int | None = None,
        min_score: float | None = None,
        user: str | None = None,
    ) -> Asked:
        """Asks for papers by mail: nothing but a mail with a link is sent before somebody follows it.

        `what` is one of `{"daily": True}`, `{"user": ...}`, `{"query": ...}`, `{"theme": ...}`, `{"author": ...}`,
        `{"category": ...}`, `{"organization": ...}`.
        """
        body = core.given(
            {
                "email": email,
                "what": what,
                "cadence": cadence,
                "hour": hour,
                "time_zone": time_zone,
                "weekday": weekday,
                "budget": budget,
                "min_score": min_score,
                "user": user,
            }
        )
        return await self._json(core.request("POST", core.path("subscriptions"), body=body), Asked)

    def subscriptions(self, *, limit: int | None = None) -> AsyncPages[SubscriptionView]:
        """Who gets what by mail."""
        return AsyncPages(self, core.path("subscriptions"), {"limit": limit}, "subscriptions", SubscriptionView)

    async def subscription(self, id: str) -> SubscriptionView:
        """One subscription."""
        return await self._json(core.request("GET", core.path("subscriptions", id)), SubscriptionView)

    async def change_subscription(
        self, id: str, state: Literal["paused", "active", "ended"], *, until: Date | None = None
    ) -> SubscriptionView:
        """Pauses a subscription (until a day), lets it go on, or ends it."""
        body = core.given({"state": state, "until": until})
        request = core.request("PATCH", core.path("subscriptions", id), body=body, repeatable=True)
        return await self._json(request, SubscriptionView)

    async def bounced(self, email: str, reason: str | None = None) -> int:
        """Says that mail to an address came back; gives how many subscriptions pause for it."""
        body = core.given({"email": email, "reason": reason})
        request = core.request("POST", core.path("subscriptions", "bounces"), body=body, repeatable=True)
        return (await self._json(request, dict[str, int]))["paused"]

    def mails(self, *, subscription: str | None = None, limit: int | None = None) -> AsyncPages[DeliveryView]:
        """What was sent, and what became of it."""
        params = {"subscription": subscription, "limit": limit}
        return AsyncPages(self, core.path("digests"), params, "mails", DeliveryView)

    async def digests(self, date: Date | None = None, *, send: bool = False) -> Digests:
        """The mails that are due, or those of a day: shown, or with `send` sent."""
        body = core.given({"date": date, "send": send or None})
        request = core.request("POST", core.path("digests"), body=body, repeatable=not send)
        return await self._json(request, Digests, LONG)

    async def keys(self) -> list[KeyView]:
        """The keys there are, without their secrets."""
        return await self._list(core.request("GET", core.path("keys")), "keys", KeyView)

    async def make_key(
        self,
        name: str,
        *,
        scopes: Sequence[Literal["read", "write", "users", "admin"]] = ("read",),
        user: str | None = None,
        expires: Date | None = None,
    ) -> KeyMade:
        """Makes a key, which nobody can show again. `expires` is a span (`30d`), a day or a moment."""
        body = core.given({"name": name, "scopes": scopes, "user": user, "expires": expires})
        return await self._json(core.request("POST", core.path("keys"), body=body), KeyMade)

    async def revoke_key(self, id: str) -> None:
        """A key opens nothing from now on."""
        await self._send(core.request("DELETE", core.path("keys", id)))

    async def me(self) -> Me:
        """Who the service takes this client for, and what that opens."""
        return await self._json(core.request("GET", core.path("me")), Me)

    async def sessions(self, user: str | None = None) -> list[SessionView]:
        """Browsers that are signed in."""
        return await self._list(
            core.request("GET", core.path("sessions"), params={"user": user}), "sessions", SessionView
        )

    async def end_session(self, id: str) -> None:
        """Signs a browser out."""
        await self._send(core.request("DELETE", core.path("sessions", id)))

    async def end_sessions(self, user: str | None = None) -> int:
        """Signs all browsers out; gives how many."""
        request = core.request("DELETE", core.path("sessions"), params={"user": user})
        return (await self._json(request, dict[str, int]))["ended"]

    async def sign_in_link(self, user: str) -> Link:
        """An address that signs a browser in as a user, once."""
        return await self._json(core.request("POST", core.path("users", user, "sign-in-link")), Link)

    async def webhooks(self) -> list[WebhookView]:
        """The webhooks within reach."""
        return await self._list(core.request("GET", core.path("webhooks")), "webhooks", WebhookView)

    async def make_webhook(
        self,
        url: str,
        *,
        user: str | None = None,
        search: str | None = None,
        what: Mapping[str, str] | None = None,
    ) -> WebhookMade:
        """Sends new papers of a saved search, or of `what` (`{"query": ...}`), to an address; gives the `secret`."""
        body = core.given({"url": url, "user": user, "search": search, "what": what})
        return await self._json(core.request("POST", core.path("webhooks"), body=body), WebhookMade)

    async def delete_webhook(self, id: str) -> None:
        """Sends nothing there any more."""
        await self._send(core.request("DELETE", core.path("webhooks", id)))

    async def webhook_deliveries(self, id: str) -> list[DeliveryOfWebhook]:
        """What was delivered, what waits, what was given up."""
        request = core.request("GET", core.path("webhooks", id, "deliveries"))
        return await self._list(request, "deliveries", DeliveryOfWebhook)

    async def redeliver(self, id: str, delivery: str = "all") -> int:
        """Delivers now what was not taken; gives how many wait again."""
        request = core.request("POST", core.path("webhooks", id, "deliveries", delivery, "redeliver"), repeatable=True)
        response = await self._send(request)
        return int(response.json()["redelivered"])

    async def sources(self) -> list[SourceView]:
        """Where papers come from, and how that goes."""
        return await self._list(core.request("GET", core.path("sources")), "sources", SourceView)

    async def run_source(self, name: str) -> SourceView:
        """Fetches from a source now; it goes on in the background."""
        request = core.request("POST", core.path("sources", name, "run"), body={})
        return await self._json(request, SourceView)

    async def jobs(self) -> list[JobView]:
        """What runs without being asked."""
        return await self._list(core.request("GET", core.path("jobs")), "jobs", JobView)

    async def job(self, name: str) -> JobView:
        """One job."""
        return await self._json(core.request("GET", core.path("jobs", name)), JobView)

    async def run_job(self, name: str) -> JobView:
        """Runs a job now; it goes on in the background."""
        return await self._json(core.request("POST", core.path("jobs", name, "run"), body={}), JobView)

    async def backup(self, path: str | os.PathLike[str]) -> int:
        """Writes a consistent copy of the whole data folder to a file; gives its bytes.

        The file is there when it is whole, and not before. `paperkin restore` makes a data folder of it.
        """
        target = Path(path)
        part = target.with_name(f"{target.name}.part")
        written = 0
        try:
            with part.open("wb") as file:
                async with self._stream(core.request("GET", core.path("backup")), LONG) as response:
                    async for piece in response.aiter_bytes():
                        written += file.write(piece)
                file.flush()
                os.fsync(file.fileno())
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
        return written

    async def ready(self) -> bool:
        """Whether the service can answer; it is asked once."""
        try:
            response = await self._http.get(f"{self._url}/readyz", headers=self._headers)
        except core.NO_ANSWER:
            return False
        return response.status_code == 200

    async def metrics(self) -> str:
        """Figures of the service, as Prometheus reads them."""
        return (await self._send(core.request("GET", "/metrics"))).text

    async def openapi(self) -> dict[str, Any]:
        """The OpenAPI document."""
        return await self._json(core.request("GET", "/openapi.json"), dict[str, Any])
