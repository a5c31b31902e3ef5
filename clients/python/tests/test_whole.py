"""That nothing is missing: calls, their tests, the written files."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from pathlib import Path

from conftest import Service

from paperkin import AsyncPaperkin, Paperkin

HERE = Path(__file__).resolve().parent
PACKAGE = HERE.parent

#: Calls of the document that are no business of this client: pages and feeds that are opened by their address,
#: and what another call here does better.
ELSEWHERE = {
    # Behind addresses in mails.
    *("act_page", "act_by_mail", "confirm_page", "confirm", "manage_page", "manage", "unsubscribe_page", "unsubscribe"),
    # For news readers.
    *("daily_atom", "daily_json", "feed_atom", "feed_json", "search_atom", "search_feed_atom", "search_feed_json"),
    "theme_atom",
    # GET where the client posts, and the id in a query.
    *("search", "similar_papers_by_id"),
    # Is it alive: `ready` says more.
    "healthz",
}

#: What is there in the shapes of other services is for the clients of those.
OTHERS = {"semantic scholar", "hugging face", "openai", "text-embeddings-inference", "mcp"}

#: The call of the client for each of the document.
CALLS = {
    "add_events": "add_events",
    "add_events_of_many": "add_events_of_many",
    "backup": "backup",
    "bounced": "bounced",
    "change_search": "change_search",
    "cite_paper": "citation",
    "delete_folder": "delete_folder",
    "delete_note": "delete_note",
    "delete_paper": "delete",
    "delete_search": "delete_search",
    "delete_user": "delete_user",
    "delete_webhook": "delete_webhook",
    "embed": "embed",
    "end_session": "end_session",
    "end_sessions": "end_sessions",
    "feed_token": "feed_addresses",
    "file_paper": "file_one",
    "file_papers": "file",
    "get_feed": "feed",
    "get_import": "get_import",
    "get_job": "job",
    "get_library": "library",
    "get_me": "me",
    "get_note": "note",
    "get_opinions": "opinions",
    "get_paper": "paper",
    "get_subscription": "subscription",
    "get_theme": "theme",
    "get_user": "user",
    "import_history": "import_history",
    "list_events": "events",
    "list_folders": "folders",
    "list_imports": "imports",
    "list_interests": "interests",
    "list_jobs": "jobs",
    "list_keys": "keys",
    "list_mails": "mails",
    "list_notes": "notes",
    "list_outside_papers": "outside",
    "list_papers": "papers",
    "list_questions": "questions",
    "list_searches": "searches",
    "list_sessions": "sessions",
    "list_sources": "sources",
    "list_subscriptions": "subscriptions",
    "list_themes": "themes",
    "list_turned_down": "turned_down",
    "list_users": "users",
    "list_webhook_deliveries": "webhook_deliveries",
    "list_webhooks": "webhooks",
    "make_digests": "digests",
    "make_folder": "make_folder",
    "make_key": "make_key",
    "make_sign_in_link": "sign_in_link",
    "make_webhook": "make_webhook",
    "metrics": "metrics",
    "patch_interest": "change_interest",
    "patch_subscription": "change_subscription",
    "preview_feed": "preview_feed",
    "put_note": "put_note",
    "put_papers": "put",
    "put_user": "put_user",
    "rank_for_user": "rank",
    "readyz": "ready",
    "rebuild_themes": "rebuild_themes",
    "recommend": "recommend",
    "redeliver": "redeliver",
    "remove_outside_paper": "remove_outside",
    "rename_folder": "rename_folder",
    "reset_interest": "reset_interest",
    "reset_interests": "reset_interests",
    "revoke_feed_token": "revoke_feed_addresses",
    "revoke_key": "revoke_key",
    "run_job": "run_job",
    "run_source": "run_source",
    "save_search": "save_search",
    "search_long": "search",
    "search_papers": "search_papers",
    "see_search": "see_search",
    "similar_papers": "similar",
    "similar_papers_of_each": "similar_to_each",
    "subscribe": "subscribe",
    "suggest": "suggest",
    "take_back": "take_back",
    "theme_events": "theme_events",
    "theme_map": "theme_map",
    "theme_map_papers": "map_papers",
    "themes_of_selection": "themes_of",
    "trending_papers": "trending",
    "undo_import": "undo_import",
    "unfile_paper": "unfile",
}


def public(kind: type) -> set[str]:
    found = inspect.getmembers(kind, lambda m: inspect.isfunction(m) or isinstance(m, property))
    return {name for name, _ in found if not name.startswith("_")}


def test_every_call_of_the_document_is_here(client: Paperkin) -> None:
    operations = [operation for item in client.openapi()["paths"].values() for operation in item.values()]
    ours = {o["operationId"] for o in operations if not OTHERS & {tag.lower() for tag in o.get("tags", [])}}
    assert ours - ELSEWHERE == set(CALLS)
    assert set(CALLS.values()) <= public(Paperkin)


def test_both_clients_have_the_same_calls() -> None:
    assert public(Paperkin) - {"close"} == public(AsyncPaperkin) - {"aclose"}


def test_every_call_is_tried() -> None:
    tests = "".join(file.read_text("utf-8") for file in HERE.glob("test_*.py"))
    tried = set(re.findall(r"\b(?:client|admin|reader|ada|asked|nobody|aclient)\.(\w+)", tests))
    assert public(Paperkin) - tried <= {"close"}


def test_written_files_are_what_they_are_written_from(service: Service) -> None:
    for words in (["write_sync.py"], ["write_types.py", service.url]):
        tool = [sys.executable, str(PACKAGE / "tools" / words[0]), *words[1:], "--check"]
        done = subprocess.run(tool, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
