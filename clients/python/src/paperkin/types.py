"""The shapes of answers: written by `tools/write_types.py` from the OpenAPI document, and held to it by a test.

They are what the service answers, as it is: plain dicts. A field that a newer service adds is there, if unknown here.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, TypedDict

Correction = TypedDict("Correction", {"from": "str", "to": "str"})
"""A word that was looked for in another's place, since no paper holds what was typed."""


class _FacetValue(TypedDict, total=False):
    """What may be missing in `FacetValue`."""

    chosen: bool
    """Whether it is one of the conditions."""
    name: str | None
    """What a person reads, where that is something else: the name of a theme."""


class FacetValue(_FacetValue):
    """A value of a facet."""

    count: int
    """Papers that have it."""
    value: str
    """What to ask for to have only these papers: a year, a category, an author, a source, the id of a theme."""


class Facets(TypedDict, total=False):
    """Counts of the papers that match. Each facet counts under all conditions but its own, so that another value can
    be chosen beside one that is. Where `meta.matched.all` is true, the count of a value is
    `meta.matched.papers` of the search that has it as its only condition of this kind; else both count the
    best that were looked at, and a narrower search may find more. The values of most papers come first, years
    the newest first; 12 at most (50 years), and those that were chosen.
    """

    author: list[FacetValue] | None
    """By `author`. A paper counts for each of its own."""
    category: list[FacetValue] | None
    """By `category`. A paper counts in each of its own."""
    source: list[FacetValue] | None
    """By `source`. A paper counts for each that told of it."""
    theme: list[FacetValue] | None
    """By `theme`. A paper that belongs to none counts nowhere. Absent while the themes are being made."""
    year: list[FacetValue] | None
    """By `from` and `to`. A paper without a date counts nowhere."""


class MatchCount(TypedDict):
    """How many papers match a search."""

    all: bool
    """Whether these are all. Of a query that very many papers match only the best thousands are looked at, and
    counted.
    """
    papers: int
    """How many."""


#: How texts are compared.
Mode: TypeAlias = Literal["hybrid", "dense", "lexical"]


#: How examples become a score.
Strategy: TypeAlias = Literal["auto", "mean", "nearest", "rocchio", "logistic"]


class _Meta(TypedDict, total=False):
    """What may be missing in `Meta`."""

    corrected: list[Correction]
    """Words of the query that no paper holds, and what was looked for in their place; only in searches, and only
    where there are any.
    """
    facets: Facets | None
    matched: MatchCount | None
    strategy: Strategy | None


class Meta(_Meta):
    """How an answer was made."""

    mode: Mode
    """How texts were compared."""
    plan: str
    """How the neighbours were found."""
    took_ms: float
    """Milliseconds inside the engine."""
    total: int
    """Papers that the filter allows; in a search with `matching` or another `sort` than `relevance`, those of them
    that match.
    """


class _Paper(TypedDict, total=False):
    """What may be missing in `Paper`."""

    comments: int | None
    """Number of comments."""
    date: str | None
    """When it appeared."""
    extra: dict[str, Any]
    """Every field that is not one of the above, as it came, every number as it was written; at most 65,536 bytes of
    JSON in all, nested at most 100 deep.
    """
    listed: str | None
    """The day it was put on the daily list."""
    organization: str | None
    """Where it was made; at most 1,024 bytes."""
    submitted_by: str | None
    """Who put it on the daily list; at most 1,024 bytes."""
    upvotes: int | None
    """Votes of readers."""
    url: str | None
    """Where it can be read; at most 4,096 bytes."""
    venue: str | None
    """Journal, conference or series; at most 1,024 bytes."""


class Paper(_Paper):
    """A research paper as it comes in and goes out. Only `id` and `title` are required, and only they can cost a
    paper its place.
    """

    abstract: str
    """The abstract; may be empty. At most 102,400 bytes are kept."""
    authors: list[str]
    """Full names, in order; at most 10,000, each of at most 1,024 bytes."""
    categories: list[str]
    """Subject classes, for example `cs.CV`; at most 1,000, each of at most 1,024 bytes."""
    id: str
    """The name outside; at most 256 bytes."""
    keywords: list[str]
    """Free terms; at most 1,000, each of at most 1,024 bytes."""
    title: str
    """The title; never blank. At most 4,096 bytes: a paper with a longer one is rejected."""


class InterestName(TypedDict):
    """An interest by id and name."""

    id: str
    """The id."""
    kind: str
    """`interest`: found in the history. Else what the user follows: `search`, `author`, `category`, `organization`,
    `theme`; its id is that of the saved search.
    """
    name: str
    """What it is called."""


class PaperPart(TypedDict):
    """What closeness to a paper adds (or, for a dislike, takes away)."""

    id: str
    """Which paper."""
    kind: Literal["paper"]
    title: str
    """Its title."""
    value: float
    """The share."""


class TextPart(TypedDict):
    """What closeness to a text of the request adds."""

    kind: Literal["text"]
    text: str
    """How the text begins."""
    value: float
    """The share."""


class TermPart(TypedDict):
    """What a word adds that both hold."""

    kind: Literal["term"]
    term: str
    """The word; `…` for all further ones together."""
    value: float
    """The share."""


class FeedbackPart(TypedDict):
    """What is in common with the papers that match the query best."""

    kind: Literal["feedback"]
    value: float
    """The share."""


class ExactPart(TypedDict):
    """The query names the paper: its id, its DOI or its title."""

    kind: Literal["exact"]
    value: float
    """The whole score."""


class BackgroundPart(TypedDict):
    """What being unlike the papers at large adds, or being like them takes away (`logistic`); in a feed, what a
    paper at large has of the words, taken off.
    """

    kind: Literal["background"]
    value: float
    """The share."""


class VectorPart(TypedDict):
    """What closeness to the vector of the request adds."""

    kind: Literal["vector"]
    value: float
    """The share."""


class VotesPart(TypedDict):
    """What votes and comments add."""

    kind: Literal["votes"]
    value: float
    """The share."""


class OthersPart(TypedDict):
    """What the reading of others adds, or takes away where they read it less than a paper at large; all of them
    together, and for a user in steps of an eighth, so that nobody can be read from it.
    """

    kind: Literal["others"]
    value: float
    """The share."""


class RestPart(TypedDict):
    """All further papers and words together."""

    kind: Literal["rest"]
    value: float
    """The share."""


class FollowPart(TypedDict):
    """What it adds that the user follows what this paper is of: as much as lifts it among those that are for them."""

    id: str
    """The id of the saved search."""
    kind: Literal["follow"]
    name: str
    """What it is called."""
    value: float
    """The share."""


class RecencyPart(TypedDict):
    """What age takes away."""

    kind: Literal["recency"]
    value: float
    """The share; zero or less."""


#: A share of a score.
Part: TypeAlias = "PaperPart | TextPart | TermPart | FeedbackPart | ExactPart | BackgroundPart | VectorPart | VotesPart | OthersPart | RestPart | FollowPart | RecencyPart"


class _Why(TypedDict, total=False):
    """What may be missing in `Why`."""

    interest: InterestName | None


class Why(_Why):
    """Where a score comes from."""

    parts: list[Part]
    """Their values sum to the score."""


class _Hit(TypedDict, total=False):
    """What may be missing in `Hit`."""

    chance: float | None
    """The chance, from 0 to 1, that the user likes it: the share of likes among their verdicts on papers like this
    one. Measured on the user's own verdicts, so it is one of papers like those that they gave verdicts on,
    and not of all there are. In one answer it never rises while the score falls. Absent until there are 30
    verdicts (likes, saves, dislikes, dismissals), at least 5 that are for a paper and 5 that are against one.
    """
    explore: bool
    """Whether it lies outside the user's interests and is shown so that they may widen. Such a paper has a score of
    0.5 or more.
    """
    for_you: bool | None
    """In a feed: whether it is for this user, or one of the others that the list is filled up with; those for the
    user come first. Of a day (`date`) the line between them is a score of 0.5, half a standard deviation
    above a paper at large; elsewhere what is squarely of a small interest, and no worse than a paper at
    large, is for the user as well. Absent where nothing is known of the user, and in other answers.
    """
    probability: float | None
    """The same as `chance`; its name until 0.1."""
    why: Why | None


class Hit(Paper, _Hit):
    """A paper in an answer."""

    score: float
    """Greater is closer; it does not depend on the other hits, so it can be compared between calls."""


class Answer(TypedDict):
    """The answer of every ranking call."""

    meta: Meta
    """How it was made."""
    papers: list[Hit]
    """The hits, best first."""


#: How often a mail goes out.
Cadence: TypeAlias = Literal["daily", "weekly"]


class Asked(TypedDict):
    """What is told of a subscription that was asked for. It is the same whether there was one or not."""

    budget: int
    cadence: Cadence
    email: str
    """Where the mail goes that asks."""
    hour: int
    message: str
    """What happens next, for a person."""
    state: str
    """Always `pending`: nothing is sent before the link in the mail is followed."""
    time_zone: str
    what: dict[str, Any]
    """What is sent once it is confirmed."""


class BatchAnswer(TypedDict):
    """What is like one paper of a batch."""

    id: str
    """The paper it was asked for, by the id that it was given."""
    papers: list[Hit]
    """The hits, best first."""


class BatchAnswers(TypedDict):
    """What is like each paper of a batch."""

    meta: Meta
    """How they were made; `total` is that of the first."""
    results: list[BatchAnswer]
    """One for each id, in their order."""


class Bounced(TypedDict):
    """Subscriptions that were paused."""

    paused: int
    """How many."""


#: How a delivery stands.
CallState: TypeAlias = Literal["waiting", "done", "dead"]


class _DeliveryOfWebhook(TypedDict, total=False):
    """What may be missing in `DeliveryOfWebhook`."""

    error: str | None
    """Why the last try failed; null where it did not."""
    next: str | None
    """When it is tried next; null where it is not."""
    status: int | None
    """The status that the receiver answered last; null where it gave none."""
    tried: str | None
    """When it was tried last; null where it was not."""


class DeliveryOfWebhook(_DeliveryOfWebhook):
    """A delivery of a webhook."""

    id: str
    """Its id, `d12`: that of the header `X-Paperkin-Delivery`, the same in every try."""
    left_out: int
    """How many more there were."""
    made: str
    """When it was made."""
    papers: list[str]
    """The papers, by id."""
    state: CallState
    """How it stands."""
    tries: int
    """How often it was tried."""


class DeliveryList(TypedDict):
    """The deliveries of a webhook."""

    deliveries: list[DeliveryOfWebhook]
    """Those that wait, and the last hundred that do not; the newest first."""


class MailShown(TypedDict):
    """A mail that would be sent."""

    date: str
    """Its day."""
    email: str
    message_id: str
    papers: list[str]
    """The ids of its papers, the best first."""
    subject: str
    subscription: str


class Digests(TypedDict):
    """What was made."""

    failed: int
    """Mails that were given up, or cannot be made; their subscriptions are paused."""
    later: int
    """Mails that are to be tried again."""
    mails: list[MailShown]
    """Where they are only shown: the mails."""
    nothing: int
    """Subscriptions that had nothing to be sent."""
    sent: int
    """Mails that the server took."""


class Embedded(TypedDict):
    """Vectors of length 1, in the order of the texts."""

    dimension: int
    """Numbers in each."""
    model: str
    """The name of the model that made them."""
    vectors: list[list[float]]
    """One for each text."""


#: What a user did with a paper.
EventKind: TypeAlias = Literal["view", "click", "save", "like", "dislike", "dismiss", "unsave", "clear"]


class Event(TypedDict):
    """Something a user did with a paper. Two events of one user with the same paper, kind and time are the same
    event.
    """

    at: str
    """When."""
    kind: EventKind
    """What."""
    paper: str
    """Which paper."""
    weight: float
    """How much it counts beside others of its kind; 1 where nothing was said."""


class _PageMeta(TypedDict, total=False):
    """What may be missing in `PageMeta`."""

    next: str | None
    """Give it as `cursor` to get the next page; absent on the last."""


class PageMeta(_PageMeta):
    """Where the page stands."""

    total: int
    """Papers, or whatever is listed, on all pages."""


class EventList(TypedDict):
    """A page of a history."""

    events: list[Event]
    """The events of this page, newest first."""
    meta: PageMeta


class _RejectedEvent(TypedDict, total=False):
    """What may be missing in `RejectedEvent`."""

    paper: str | None
    """The paper as it was named; null where that could not be read."""


class RejectedEvent(_RejectedEvent):
    """An event that was not written down."""

    index: int
    """Its place among the events that were sent, from 0."""
    reason: str
    """The reason."""


class EventReport(TypedDict):
    """What became of some events."""

    accepted: int
    """Events that were not there before."""
    rejected: list[RejectedEvent]
    """Events that were not written down, in their order."""
    unchanged: int
    """Events that were there already: the same user, paper, kind and time."""


class FolderView(TypedDict):
    """A folder as its reader sees it."""

    created: str
    """When it was made."""
    id: str
    """Its id, `f7`; used once."""
    name: str
    """What its reader calls it."""
    papers: int
    """How many papers it shows: those in it that its reader keeps, and that are there."""


class FolderList(TypedDict):
    """The folders of a reader."""

    folders: list[FolderView]
    """In the order in which they were made."""
    papers: int
    """How many papers the reader keeps in all."""
    unfiled: int
    """How many of these are in no folder."""


class Filed(TypedDict):
    """What became of papers that were put into a folder."""

    added: int
    """Papers that were not in it before."""
    saved: int
    """Papers that were saved with that."""
    unchanged: int
    """Papers that were in it already."""


class ImportAbout(TypedDict, total=False):
    """What the store keeps of an import, to be read again."""

    accepted: int
    """Events that were new."""
    embed_missing: bool
    """Whether what is not in the corpus teaches as well."""
    embedded: int
    """Papers from outside the corpus that were taken in."""
    ended: str | None
    """When it ended."""
    error: str | None
    """Why it broke off."""
    format: str
    """How it is written."""
    kind: EventKind | None
    matched_total: int
    """References that are in the corpus."""
    missing_total: int
    """References that are not."""
    name: str | None
    """What the list is called."""
    rejected_total: int
    """Entries that were not understood."""
    unchanged: int
    """Events that were there already."""


#: How an entry of a list fared.
EntryStatus: TypeAlias = Literal["matched", "missing", "rejected"]


class _Entry(TypedDict, total=False):
    """What may be missing in `Entry`."""

    authors: list[str]
    """Its authors."""
    by: str | None
    """How that was known: `id`, `doi`, `arxiv`, `title`, or another identifier."""
    date: str | None
    """Its date."""
    key: str | None
    """What the list calls it."""
    paper: str | None
    """The paper of the corpus that it is."""
    reason: str | None
    """Why it is rejected."""
    teaches: bool
    """Whether it teaches although it is not in the corpus."""
    title: str | None
    """Its title, or what names it."""


class Entry(_Entry):
    """What was understood of an entry of a list."""

    line: int
    """The line it begins on, from 1 (in CSL-JSON: its place)."""
    status: EntryStatus
    """`matched`, `missing` or `rejected`."""


#: How a reference list is written.
Format: TypeAlias = Literal[
    "auto", "ids", "titles", "bibtex", "ris", "csl", "zotero", "pubmed", "endnote", "wos", "csv"
]


class Matched(TypedDict):
    """A reference that is in the corpus."""

    by: str
    """How it was known: `id`, `doi`, `arxiv`, `title`, or another identifier."""
    paper: str
    """The paper's id."""
    reference: str
    """The reference's title, or what named it."""


class _Rejected(TypedDict, total=False):
    """What may be missing in `Rejected`."""

    id: str | None
    """The id, where it could be read."""


class Rejected(_Rejected):
    """A line, or an entry of a list, that does not go in."""

    line: int
    """The line, from 1 (in a list: the place)."""
    reason: str
    """The reason."""


#: What the number of a rejected entry counts.
RejectedUnit: TypeAlias = Literal["line", "entry"]


class _FieldWarning(TypedDict, total=False):
    """What may be missing in `FieldWarning`."""

    id: str | None
    """The paper's id."""


class FieldWarning(_FieldWarning):
    """A field of a paper that could not be read: the paper is in, without it."""

    field: str
    """The field."""
    line: int
    """The line, from 1 (in a list: the place)."""
    reason: str
    """Why it could not be read."""


Imported = TypedDict(
    "Imported",
    {
        "accepted": "int",
        "dry_run": "bool",
        "embedded": "int",
        "entries": "list[Entry]",
        "format": "Format",
        "import": "str | None",
        "matched": "list[Matched]",
        "missing": "list[str]",
        "rejected": "list[Rejected]",
        "rejected_total": "int",
        "rejected_unit": "RejectedUnit",
        "total": "int",
        "unchanged": "int",
        "warnings": "list[FieldWarning]",
        "warnings_total": "int",
    },
)
"""What became of the references, or would become of them. `matched`, `missing` and `rejected_total` together are
    all entries of the list; one that names a paper again counts again.
    """


#: How an import stands.
ImportStatus: TypeAlias = Literal["running", "done", "failed", "interrupted"]


class _ImportView(TypedDict, total=False):
    """What may be missing in `ImportView`."""

    answer: Imported | None


class ImportView(ImportAbout, _ImportView):
    """A reading list that a user brought."""

    begun: str
    """When it was begun."""
    done: int
    """Entries that are dealt with."""
    id: str
    """By what it is called."""
    status: ImportStatus
    """`running`, `done`, `failed` (it broke off) or `interrupted` (the program ended meanwhile)."""
    total: int
    """Entries in all."""


class ImportList(TypedDict):
    """The reading lists that a user brought."""

    imports: list[ImportView]
    """The newest first."""


class InterestView(TypedDict):
    """An interest as its user sees it."""

    edited: bool
    """Whether the user changed anything about it: name, muting, pin, weight, or what was merged into it."""
    id: str
    """Stays the same while the history grows."""
    muted: bool
    """Nothing of it is shown."""
    name: str
    """What it is called: the user's own name for it, else its most telling terms."""
    papers: list[str]
    """The liked papers in it, by id; the heaviest first."""
    pinned: bool
    """It gets a tenth of the feed at least."""
    share: float
    """Its part of the feed, from 0 to 1, after muting, pinning and weighing. The shares sum to 1."""
    terms: list[str]
    """The terms that tell it from the others."""
    weight: float
    """Its part is multiplied by this; 1 where nothing was said."""


class InterestList(TypedDict):
    """The interests found in a history."""

    interests: list[InterestView]
    """The greatest first."""


class _LastRun(TypedDict, total=False):
    """What may be missing in `LastRun`."""

    error: str | None
    """Why it failed; null where it did not."""


class LastRun(_LastRun):
    """A run that came to an end."""

    began: str
    """When it began."""
    did: dict[str, Any]
    """What it did, in numbers by name."""
    ok: bool
    """Whether it did what it was to do."""
    took_s: float
    """Seconds that it took."""
    why: str
    """Why it was run."""


class _JobView(TypedDict, total=False):
    """What may be missing in `JobView`."""

    last: LastRun | None
    next: str | None
    """When it next looks for work; null where it runs by hand alone, and in `paperkin info`."""
    since: str | None
    """Since when it runs; null where it does not."""


class JobView(_JobView):
    """What the service does without being asked."""

    about: str
    """What it does."""
    failures: int
    """How many of them failed."""
    name: str
    """Its name, as in the settings."""
    running: bool
    """Whether it runs now."""
    runs: int
    """Runs that came to an end, ever."""
    schedule: str
    """The cron expression of the settings, or `off`."""


class JobList(TypedDict):
    """Jobs."""

    jobs: list[JobView]
    """By name."""


#: A right that a key can have.
Scope: TypeAlias = Literal["read", "write", "users", "admin"]


class _KeyView(TypedDict, total=False):
    """What may be missing in `KeyView`."""

    expires: str | None
    """From when on it opens nothing any more; null for never."""
    last_used: str | None
    """When it was used last; null while it never was."""
    user: str | None
    """The one reader for whom it acts; null for a key of no reader."""


class KeyView(_KeyView):
    """A key without its secret."""

    created: str
    """When it was made."""
    id: str
    """Its id: the part of the key between `pk_` and the secret."""
    name: str
    """What it is called."""
    scopes: list[Scope]
    """What it lets its holder do. Every scope includes `read`; `admin` includes all."""


class KeyList(TypedDict):
    """Keys."""

    keys: list[KeyView]
    """In the order in which they were made."""


class _KeyMade(TypedDict, total=False):
    """What may be missing in `KeyMade`."""

    expires: str | None
    """From when on it opens nothing any more; null for never."""
    user: str | None
    """The one reader for whom it acts; null for a key of no reader."""


class KeyMade(_KeyMade):
    """A key that was just made: the only time that it is shown."""

    created: str
    """When it was made."""
    id: str
    """Its id, by which it is listed and taken back."""
    key: str
    """The key itself, to be sent as `Authorization: Bearer pk_...`. Nobody can show it again."""
    name: str
    """What it is called."""
    scopes: list[Scope]
    """What it lets its holder do."""


class NoteView(TypedDict):
    """A note as its reader sees it."""

    changed: str
    """When it was changed last."""
    created: str
    """When it was first written."""
    text: str
    """Plain text of 1 to 10,000 characters; lines end in `\\n`."""


class _Kept(TypedDict, total=False):
    """What may be missing in `Kept`."""

    at: str | None
    """When that was."""
    kind: EventKind | None
    note: NoteView | None
    score: float | None
    """How well it answers the query; absent without one."""


class Kept(Paper, _Kept):
    """A paper that a user keeps."""

    folders: list[str]
    """The ids of the folders that it is in, in the order in which these were made."""
    in_corpus: bool
    """Whether it is in the corpus; else it came with a reading list."""


class Library(TypedDict):
    """Papers that a user keeps."""

    meta: PageMeta
    papers: list[Kept]
    """The papers of this page."""


class Link(TypedDict):
    """A link to sign in."""

    expires: str
    """Until when it is good."""
    url: str
    """Its whole address: by the setting `public_url`, else as this request was sent. Nobody can show it again."""
    user: str
    """Who signs in by it."""
    valid_for_s: int
    """How long that is, in seconds."""


class _DeliveryView(TypedDict, total=False):
    """What may be missing in `DeliveryView`."""

    date: str | None
    """Its day; null of a mail that asks whether it is wanted."""
    error: str | None
    """What the server said last; null where it took it."""
    retry: str | None
    """When it is tried again."""


class DeliveryView(_DeliveryView):
    """A mail that was sent, or is to be."""

    attempts: int
    """Attempts that were made."""
    message_id: str
    """Its Message-ID, the same however often it is sent."""
    since: str
    """Since when it is so."""
    state: str
    """`waiting`, `sending` (given to the server as far as is known), `sent` or `failed`."""
    subscription: str
    """The subscription it is of."""


class _MailList(TypedDict, total=False):
    """What may be missing in `MailList`."""

    next: str | None
    """The `cursor` of the next page; null on the last."""


class MailList(_MailList):
    """Mails."""

    mails: list[DeliveryView]
    """The newest first."""


class MapPapersMeta(TypedDict):
    """How papers of points were found."""

    took_ms: float
    """Milliseconds inside the engine."""


class _MapPaper(TypedDict, total=False):
    """What may be missing in `MapPaper`."""

    date: str | None
    """When it appeared."""


class MapPaper(_MapPaper):
    """The paper of a point."""

    id: str
    """Its id."""
    row: int
    """Its number on the map. It stands for this text of the paper: a paper whose text was changed has another."""
    title: str
    """Its title on one line, without LaTeX and markup; of a long one the first 300 characters."""


class MapPapers(TypedDict):
    """The papers of some points."""

    meta: MapPapersMeta
    """How it went."""
    papers: list[MapPaper]
    """In the order asked for, hits with the best first. A paper that is gone, or not on the map yet, is left out."""


#: By what somebody was recognised.
IdentityName: TypeAlias = Literal["anyone", "key", "session", "proxy"]


#: Whether somebody has to say who they are.
AuthModeName: TypeAlias = Literal["open", "keys"]


class _SessionView(TypedDict, total=False):
    """What may be missing in `SessionView`."""

    key: str | None
    """The id of the key that it was begun with, and with which it ends; null where that was a one-time link."""
    reader: str | None
    """The reader for whom it acts; null where it has the rights of a key of no reader."""


class SessionView(_SessionView):
    """A session, as whoever may end it sees it."""

    browser: str
    """The browser, in short."""
    created: str
    """When it was begun."""
    current: bool
    """Whether it is the one that asks."""
    expires: str
    """When it ends, unless it is used before: 30 days after the last use, a year after its beginning at the latest."""
    id: str
    """Its id, by which it is ended. It opens nothing."""
    last_seen: str
    """When it was last used."""


class _Me(TypedDict, total=False):
    """What may be missing in `Me`."""

    reader: str | None
    """The one reader for whom they may act; null where `scopes` decides."""
    session: SessionView | None


class Me(_Me):
    """Who asks."""

    identity: IdentityName
    """By what they were recognised."""
    mode: AuthModeName
    """`open` where nobody has to say who they are, `keys` where everybody has to."""
    scopes: list[Scope]
    """What they may do, beside what the reader may."""


class _Noted(TypedDict, total=False):
    """What may be missing in `Noted`."""

    paper: Paper | None


class Noted(_Noted):
    """A note with the paper that it is on."""

    id: str
    """The id of the paper."""
    in_corpus: bool
    """Whether it is in the corpus."""
    note: NoteView
    """The note."""


class NoteList(TypedDict):
    """A page of notes."""

    meta: PageMeta
    notes: list[Noted]
    """What was changed last first."""


class Example(TypedDict):
    """A telling paper."""

    id: str
    """Its id."""
    title: str
    """Its title."""


#: Where a theme is going.
Direction: TypeAlias = Literal["rising", "steady", "falling", "unknown"]


class _Trend(TypedDict, total=False):
    """What may be missing in `Trend`."""

    expected_per_week: float | None
    """Papers a week that the theme's own past lets expect; absent without a past."""
    p_value: float | None
    """How likely so great a difference is by chance, corrected for the number of themes."""
    ratio: float | None
    """The one over the other."""


class Trend(_Trend):
    """The trend of a theme."""

    direction: Direction
    """What the test says."""
    per_week: float
    """Papers a week in the last four weeks."""
    weeks: list[int]
    """Papers of each week, oldest first, the last one ending with the newest day of the corpus."""


class _Theme(TypedDict, total=False):
    """What may be missing in `Theme`."""

    parent: str | None
    """The theme one level up that it lies in; null on level 0."""


class Theme(_Theme):
    """A theme."""

    children: list[str]
    """Its themes one level down, largest first."""
    examples: list[Example]
    """Its most telling papers."""
    id: str
    """Its id; it stays the same from run to run while enough of its papers stay together."""
    level: int
    """0 is the coarsest level, 2 the finest."""
    name: str
    """What it is called; no two themes have one name."""
    nearby: int
    """Papers that belong to no theme and are nearest to this one."""
    since: str
    """The day it was first seen."""
    size: int
    """Papers that belong to it; of the versions of one work only the newest, as everywhere with themes."""
    terms: list[str]
    """Its most telling words and phrases, best first."""
    trend: Trend
    """Whether it rises."""


class ThemeEvent(TypedDict):
    """Something that happened to a theme."""

    at: str
    """When, as an RFC 3339 time."""
    kind: str
    """`born`, `grown`, `shrunk`, `split`, `merged` or `died`."""
    run: int
    """In which run."""
    text: str
    """The same as a sentence."""
    theme: str
    """The theme."""


#: How the papers of a theme are ordered.
PaperOrder: TypeAlias = Literal["central", "newest", "most_read"]


class OneMeta(TypedDict):
    """Where a page of papers stands."""

    sort: PaperOrder
    """The order of the papers."""
    took_ms: float
    """Milliseconds inside the engine."""
    total: int
    """Papers of the theme that the filter lets through (with `q`: all of these, since all are ranked)."""


class _ThemePaper(TypedDict, total=False):
    """What may be missing in `ThemePaper`."""

    score: float | None
    """Similarity to the middle of the theme, or with `q` to the query; absent in other orders."""


class ThemePaper(Paper, _ThemePaper):
    """A paper of a theme."""

    strength: float
    """The share of its neighbours' closeness that lies in its finest theme, 0 to 1."""


class Named(TypedDict):
    """A theme by name."""

    id: str
    """Its id."""
    name: str
    """Its name."""


class Related(TypedDict):
    """A theme like another."""

    id: str
    """Its id."""
    name: str
    """Its name."""
    score: float
    """Similarity of the middles, greater is closer."""
    size: int
    """Papers that belong to it."""


class OneTheme(Theme):
    """One theme with what is in it and around it."""

    history: list[ThemeEvent]
    """What happened to it, newest first."""
    meta: OneMeta
    """Where the page stands."""
    papers: list[ThemePaper]
    """A page of its papers, in the order asked for."""
    path: list[Named]
    """The themes it lies in, coarsest first."""
    related: list[Related]
    """Themes of its level that are like it, most alike first."""
    subthemes: list[Theme]
    """The themes one level down in it, largest first."""


class _PaperOpinion(TypedDict, total=False):
    """What may be missing in `PaperOpinion`."""

    against: EventKind | None
    at: str | None
    """When the last verdict was that stands; null where none does."""


class PaperOpinion(_PaperOpinion):
    """Where a reader stands on a paper."""

    folders: list[str]
    """The ids of the folders that it is in."""
    liked: bool
    """They liked it, and have said nothing else since."""
    note: bool
    """Whether they wrote something on it."""
    paper: str
    """The id that the paper was given; as it was asked for where there is no such paper. What was said of one that
    is gone is told still.
    """
    saved: bool
    """They saved it, and have neither taken that back nor turned the paper down since."""
    viewed: bool
    """They looked at it or opened it."""


class OpinionList(TypedDict):
    """Where a user stands on some papers."""

    opinions: list[PaperOpinion]
    """One for each paper, in their order."""


class Outside(Paper):
    """A paper that a user's history has learned from and that is not in the corpus."""

    imports: list[str]
    """The imports that brought it."""


class OutsideList(TypedDict):
    """A page of papers that are not in the corpus."""

    meta: PageMeta
    papers: list[Outside]
    """The papers of this page, by title."""


class _Version(TypedDict, total=False):
    """What may be missing in `Version`."""

    date: str | None
    """When it appeared."""


class Version(_Version):
    """Another version of a work."""

    id: str
    """Its id."""
    title: str
    """Its title."""


class PaperInFull(Paper, total=False):
    """A paper, and the other versions of its work."""

    versions: list[Version]
    """The other versions of its work, duplicates among them, the newest first. In answers only the newest of all is
    shown.
    """


class PaperList(TypedDict):
    """A page of the daily list."""

    meta: PageMeta
    papers: list[Paper]
    """The papers of this page."""


class Redelivered(TypedDict):
    """Deliveries that wait again."""

    redelivered: int
    """How many."""


class Report(TypedDict):
    """What became of the papers. All numbers are of committed papers."""

    accepted: int
    """Papers that were not there before."""
    embedded: int
    """Texts that went through the model."""
    rejected: list[Rejected]
    """Lines that hold no paper (the first thousand)."""
    rejected_total: int
    """How many lines hold no paper."""
    unchanged: int
    """Papers that were there, the same in every field."""
    updated: int
    """Papers that were there and changed."""
    warnings: list[FieldWarning]
    """Fields that could not be read, so that their papers are in without them (the first thousand)."""
    warnings_total: int
    """How many such fields there were."""


#: What a reader wants to hear of whenever something new comes of it: the papers that a search finds, or those of an author, a category, an organization or a theme. In JSON an object of one field, `{"author": "Ada Lovelace"}`.
Follow: TypeAlias = "dict[str, Any]"


class _SearchView(TypedDict, total=False):
    """What may be missing in `SearchView`."""

    new: int | None
    """Papers that match and came since its reader last looked (`.../seen`), or since it was saved; null where that
    cannot be told.
    """
    problem: str | None
    """Why nothing matches it for now, and what to do; null where nothing is wrong."""


class SearchView(_SearchView):
    """A saved search as its reader sees it."""

    created: str
    """When it was saved."""
    id: str
    """Its id, `s7`; used once."""
    kind: str
    """`search`, `author`, `category`, `organization` or `theme`."""
    muted: bool
    """Nothing of it is put into the feed, or sent by mail. Its own lists go on."""
    name: str
    """What it is called: the reader's own name for it, else what is followed."""
    what: Follow
    """What is followed."""


class SearchList(TypedDict):
    """What a reader follows."""

    searches: list[SearchView]
    """In the order in which it was saved."""


class SearchHit(Hit):
    """A paper of a saved search."""

    new: bool
    """Whether it came since its reader last looked."""


class SearchPapers(TypedDict):
    """The papers of a saved search."""

    meta: Meta
    """How they were found; `total` is how many match."""
    papers: list[SearchHit]
    """Best first."""


class SelectionMeta(TypedDict):
    """How a selection was grouped."""

    papers: int
    """Papers grouped."""
    sizes: list[int]
    """Themes of each level, coarsest first. A level that would only repeat the one above is left out."""
    took_ms: float
    """Milliseconds inside the engine."""


class _SelectionTheme(TypedDict, total=False):
    """What may be missing in `SelectionTheme`."""

    parent: str | None
    """The theme one level up that it lies in."""


class SelectionTheme(_SelectionTheme):
    """A theme of a selection."""

    examples: list[Example]
    """Its most central papers."""
    id: str
    """Its id within this answer."""
    level: int
    """0 is the coarsest."""
    name: str
    """What it is called."""
    papers: list[str]
    """Their ids, the most central first."""
    size: int
    """Papers that belong to it."""
    terms: list[str]
    """Its most telling words and phrases."""


class _Unassigned(TypedDict, total=False):
    """What may be missing in `Unassigned`."""

    nearest: str | None
    """The finest theme it is nearest to; null where none is near."""


class Unassigned(_Unassigned):
    """A paper that belongs to no theme."""

    id: str
    """Its id."""
    strength: float
    """How near, 0 to 1."""


class SelectionThemes(TypedDict):
    """The themes of a selection."""

    meta: SelectionMeta
    """How it was made."""
    themes: list[SelectionTheme]
    """By level, then by falling size. Ids hold within this answer only."""
    unassigned: list[Unassigned]
    """Papers that belong to none."""


class SessionList(TypedDict):
    """Sessions."""

    sessions: list[SessionView]
    """The last used first."""


class SessionsEnded(TypedDict):
    """How many sessions were ended."""

    ended: int
    """How many."""


class _SourceView(TypedDict, total=False):
    """What may be missing in `SourceView`."""

    error: str | None
    """Why the last run failed, and what to do; null where it did not."""
    lag_s: int | None
    """Seconds since then: how far the corpus may be behind the source; null where it never was."""
    last: LastRun | None
    next: str | None
    """When it is asked next by its schedule, up to `[fetch] jitter_s` later; null where it is asked by hand alone."""
    retry: str | None
    """When it is tried again because the last run failed; null where that is not so."""
    since: str | None
    """Since when; null where it is not."""
    succeeded: str | None
    """When it was last read to its end; null where it never was."""


class SourceView(_SourceView):
    """Where papers come from, and how that stands."""

    failures: int
    """How many of them failed."""
    kind: str
    """Its kind."""
    name: str
    """Its name in the settings."""
    papers: int
    """Papers that it has given, ever: those that others have as well, and those that it has taken away, among them."""
    running: bool
    """Whether it is being read now."""
    runs: int
    """Runs that came to an end, ever."""
    schedule: str
    """The cron expression of the settings, or `off`."""


class SourceList(TypedDict):
    """Sources."""

    sources: list[SourceView]
    """In the order of the settings."""


#: A day of the week.
DayOfWeek: TypeAlias = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


class _SubscriptionView(TypedDict, total=False):
    """What may be missing in `SubscriptionView`."""

    confirmed: str | None
    """When it was confirmed."""
    last: DeliveryView | None
    min_score: float | None
    """The score below which no paper is sent; null for none."""
    next: str | None
    """When the next mail is due."""
    reason: str | None
    """Why it is paused: what the mail server said, or that whoever gets it did so; null where it is not."""
    until: str | None
    """When the pause ends by itself."""
    user: str | None
    """The reader for whom papers are ordered, and who learns from what is answered; null where it is for none."""
    weekday: DayOfWeek | None


class SubscriptionView(_SubscriptionView):
    """A subscription."""

    budget: int
    """Papers of one mail, at most."""
    cadence: Cadence
    """How often."""
    created: str
    """When it was asked for."""
    email: str
    """Where the mails go."""
    failures: int
    """Attempts to send that failed in a row; five pause it."""
    hour: int
    """The hour of `time_zone`."""
    id: str
    """Its id."""
    state: str
    """`pending` until it is confirmed, `active`, `paused` or `ended`."""
    time_zone: str
    """The zone."""
    undelivered: bool
    """Whether it is paused because mails could not be delivered, which wants somebody's look. A pause that whoever
    gets the mails wanted does not.
    """
    what: dict[str, Any]
    """What is sent: `{"daily": true}`, `{"user": …}`, `{"query": …}`, `{"theme": …}`, `{"author": …}`, `{"category":
    …}` or `{"organization": …}`.
    """


class _SubscriptionList(TypedDict, total=False):
    """What may be missing in `SubscriptionList`."""

    next: str | None
    """The `cursor` of the next page; null on the last."""


class SubscriptionList(_SubscriptionList):
    """Subscriptions."""

    subscriptions: list[SubscriptionView]
    """In the order of their ids."""
    total: int
    """How many there are in all."""


#: What somebody who types may mean.
SuggestionKind: TypeAlias = Literal["title", "author", "category", "theme"]


class _Suggestion(TypedDict, total=False):
    """What may be missing in `Suggestion`."""

    id: str | None
    """The id of a paper or theme."""
    papers: int | None
    """How many papers an author, a category or a theme has."""


class Suggestion(_Suggestion):
    """Something that begins like what is being typed."""

    kind: SuggestionKind
    """What it is."""
    value: str
    """What a person reads: a title without its markup, a name, a category."""


class Suggestions(TypedDict):
    """Suggestions for a text that is being typed."""

    suggestions: list[Suggestion]
    """Authors, categories, themes and titles, in this order."""


class ThemeEvents(TypedDict):
    """What happened."""

    events: list[ThemeEvent]
    """Newest first."""


class _ThemesMeta(TypedDict, total=False):
    """What may be missing in `ThemesMeta`."""

    run_at: str | None
    """When it was, as an RFC 3339 time."""


class ThemesMeta(_ThemesMeta):
    """Where themes come from."""

    changed_since: int
    """Papers that joined or left since."""
    levels: int
    """Levels there are; 0 is the coarsest."""
    papers: int
    """Papers."""
    run: int
    """Number of the last run; 0 before the first."""
    sizes: list[int]
    """Themes of each level."""
    took_ms: float
    """Milliseconds inside the engine."""
    unassigned: int
    """Papers that belong to no theme."""


class ThemeList(TypedDict):
    """Themes."""

    meta: ThemesMeta
    """Where they come from."""
    themes: list[Theme]
    """By level, then by falling size."""


class MapLabel(TypedDict):
    """A name on the map."""

    height: float
    """The height of its box."""
    letters: float
    """The size of the letters in pixels, on a map that is 1200 pixels wide at zoom 0 and twice as wide at each one
    more.
    """
    level: int
    """The level of its theme."""
    text: str
    """What is written."""
    theme: int
    """The place of its theme in `themes`."""
    width: float
    """The width of its box."""
    x: float
    """The middle of its box."""
    y: float
    """The middle of its box."""


class _MapMeta(TypedDict, total=False):
    """What may be missing in `MapMeta`."""

    next: int | None
    """Give it as `offset` for the next page; absent on the last."""
    run_at: str | None
    """When that was, as an RFC 3339 time."""


class MapMeta(_MapMeta):
    """Where a page of the map stands."""

    bounds: list[float]
    """The whole map: left, bottom, right, top."""
    deepest: int
    """The zoom from which on every paper is shown."""
    run: int
    """Number of the run it was drawn in; 0 before the first."""
    took_ms: float
    """Milliseconds inside the engine."""
    total: int
    """Papers of the region and zoom on all pages."""


class _Points(TypedDict, total=False):
    """What may be missing in `Points`."""

    title: list[str] | None
    """Their titles, when asked for: each on one line, without LaTeX and markup; of long ones the first 300
    characters.
    """


class Points(_Points):
    """Papers as arrays of one length."""

    id: list[str]
    """Their ids."""
    theme: list[int]
    """The place of their finest theme in `themes`; -1 where they belong to none."""
    x: list[float]
    """Places, to the right."""
    y: list[float]
    """Places, upwards."""


class _MapTheme(TypedDict, total=False):
    """What may be missing in `MapTheme`."""

    parent: int | None
    """The place of its parent in this list; null on level 0."""


class MapTheme(_MapTheme):
    """A theme on the map."""

    id: str
    """Its id."""
    level: int
    """0 is the coarsest."""
    name: str
    """Its name."""
    region: list[list[float]]
    """Its outline: the corners around the four fifths of its papers nearest to the middle."""
    size: int
    """Papers that belong to it."""
    x: float
    """The middle of its papers."""
    y: float
    """The middle of its papers."""


class ThemeMap(TypedDict):
    """A part of the map."""

    labels: list[MapLabel]
    """Names for the zoom asked for (without one, for zoom 0), placed so that none covers another."""
    meta: MapMeta
    """Where the page stands."""
    points: Points
    """The papers, in arrays of one length."""
    themes: list[MapTheme]
    """The themes of all levels."""


class _ThemesRun(TypedDict, total=False):
    """What may be missing in `ThemesRun`."""

    stayed: float | None
    """The share of papers that were in a finest theme before and after and are in the same one; none in a first run."""


class ThemesRun(_ThemesRun):
    """What a run did."""

    events: int
    """What happened since the run before."""
    papers: int
    """Papers grouped."""
    run: int
    """Its number."""
    themes: list[int]
    """Themes of each level, coarsest first."""
    took_s: list[float]
    """Seconds for the neighbours, the grouping, names and map, and writing it all down."""
    unassigned: int
    """Papers that belong to none."""


class Token(TypedDict):
    """What opens a user's feed to a news reader."""

    atom: str
    """Where the Atom feed is, from the root of the service."""
    atom_url: str
    """The whole address of the Atom feed: by the setting `public_url`, else as this request was sent."""
    json: str
    """Where the JSON feed is."""
    json_url: str
    """The whole address of the JSON feed."""
    token: str
    """The secret."""


class TurnedDown(Paper):
    """A paper that a reader turned down."""

    at: str
    """When that was."""
    in_corpus: bool
    """Whether it is in the corpus; else it came with a reading list."""
    kind: EventKind
    """`dislike` or `dismiss`."""


class TurnedDownList(TypedDict):
    """Papers that a user turned down."""

    meta: PageMeta
    papers: list[TurnedDown]
    """The papers of this page, the last first."""


class Settings(TypedDict, total=False):
    """The settings of a user. Absent fields follow the service's defaults."""

    diversity: float | None
    """Diversity from 0 (best first) to 1 (as different from each other as possible)."""
    exploration: float | None
    """The share of a feed, from 0 to 0.5, that is given to papers outside the interests; they are marked."""
    half_life_days: float | None
    """Half-life of events in days, counted from the user's newest event; 0 for no ageing."""
    per_author: int | None
    """The most papers of one author in a feed."""


class UserView(TypedDict):
    """A user as they see themselves."""

    created: str
    """When they were first heard of."""
    events: int
    """How many events they have."""
    id: str
    """The name."""
    settings: Settings
    """What they set."""


class UserList(TypedDict):
    """A page of users."""

    meta: PageMeta
    users: list[UserView]
    """The users of this page, in the order in which they came."""


class _WebhookView(TypedDict, total=False):
    """What may be missing in `WebhookView`."""

    ended: str | None
    """When its receiver ended it, by answering 410; null where it did not."""
    error: str | None
    """Why the last try failed; null where it did not."""
    problem: str | None
    """Why there is nothing to tell for now, and what to do; null where nothing is wrong."""
    search: str | None
    """The saved search that it is of, with which it goes; null where it is of none."""
    user: str | None
    """The user whose it is; null for one that is nobody's."""


class WebhookView(_WebhookView):
    """A webhook."""

    created: str
    """When it was made."""
    dead: int
    """Dead letters that are kept."""
    id: str
    """Its id, `w3`; used once."""
    url: str
    """Where the papers go."""
    waiting: int
    """Deliveries that wait."""
    what: Follow
    """What is followed."""


class WebhookList(TypedDict):
    """Webhooks."""

    webhooks: list[WebhookView]
    """In the order in which they were made."""


class WebhookMade(WebhookView):
    """A webhook that was just made."""

    secret: str
    """What its deliveries are signed with. It is shown this once."""
