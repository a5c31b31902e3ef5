//! paperkin finds a reader the few papers that matter.
//!
//! A paper comes in as text, becomes a vector, and comes out as a recommendation. Everything here serves that one road.
//! This page is the architecture; a test (`tests/it/floors.rs`) holds what it says of floors and absences.
//!
//! ```
//! use paperkin::config::Config;
//! use paperkin::engine::{SearchOptions, Engine};
//! use paperkin::sources;
//!
//! # fn main() -> paperkin::Result<()> {
//! let folder = tempfile::tempdir().map_err(|e| paperkin::Error::Internal(e.to_string()))?;
//! // `hash` is the model for tests; leave it away for the transformer.
//! let config = Config { model: Some("hash".into()), ..Config::new(folder.path()) };
//! let engine = Engine::open(config)?.engine;
//! engine.ingest(&mut sources::invented(), &|_| {})?;
//! let answer = engine.similar("invented:qu-001", &SearchOptions { limit: 3, ..SearchOptions::default() })?;
//! assert_eq!(answer.papers.len(), 3);
//! # Ok(())
//! # }
//! ```
//!
//! # Map
//!
//! | module | what it does |
//! |---|---|
//! | `main` | runs [`cli`], prints an error in one place, picks the exit status |
//! | [`cli`] | one file a command; prints tables or JSON. On a folder that is being served the service carries the command out (`cli/desk`) |
//! | `http` | the shell: the router is the table of contents, one file a resource; what stands between the network and the work is in `http/door`, who may call what in `http/access`, what a browser is told in `http/headers`; the pages, and signing in, under `http/web`; other people's interfaces, each a thin translation, under `http/clients`: what a language model asks of the papers (`http/clients/mcp`, over HTTP and over the lines of `paperkin mcp`) among them |
//! | [`jobs`] | what runs without being asked: names, schedules, one runner at a time under a lease in the store, the last result; maintenance, themes, interests, readership, mail, webhooks, one for each source (`jobs/fetch`) |
//! | [`backup`] | everything that is true in one checked file, and a folder made of it |
//! | `doctor` | what is looked at beside the data: the machine, the files, the settings |
//! | `eval` | quality figures on labelled sets, from the same calls that serve |
//! | [`sources`] | where papers come from: services (`sources/feeds`, one file each, behind the trait `Source`), asked through one polite client (`sources/web`); files of any format and size (`sources/files`); reference lists, one file a format (`sources/references`), whose readers make papers of files as well; the built-in corpus |
//! | [`deliver`] | what reaches a reader who is not looking: `deliver/mail` makes a mail (plain text and HTML from templates), a message of it, and hands it to a server; `deliver/digest` sends those that are due; `deliver/citations` writes references for the programs that people use, one file a format, all made of what its `record` knows of a paper |
//! | [`engine`] | the deep module where the next floor's rooms meet: four parts, each with a state of its own, and a thin face over them |
//! | `engine/corpus` | papers: taken in, made one of what several sources say (`merge`), found, recommended, moved to another model; what follows the store (`follow`). Knows neither of the next two |
//! | `engine/themes` | what the corpus is about: kept, joined by new papers, made anew. Knows the corpus |
//! | `engine/access` | who may come in: keys, sessions and links to sign in, looked at in memory by every request. Knows nobody |
//! | `engine/readers` | users, their events, interests, imports, what they keep (`collection`, `folders`, `notes`) and turned down (`opinions`), what they follow (`searches`) and what they get by mail (`subscriptions`: who, when, and the choice of papers); feeds, ranking, questions, trending. Knows both |
//! | [`embed`] | text to unit vector: model files, tokens, the queue and the thread that owns the model; where it runs (`placement`), on our own kernels for the processor (`cpu`) or through candle on any device (`candle`) |
//! | [`index`] | vector to nearest rows: one contract (`VectorIndex`) and three that keep it: `segments` (the default: frozen segments with a graph each, what came since, and the thread that freezes), `exact`, `hnsw_rs`; words to rows and rows to terms (`lexical`, on tantivy) |
//! | [`store`] | what is true, behind a trait by resource: papers, vectors, users with their events, libraries, folders, notes, imports, interests, saved searches and webhooks, subscriptions and deliveries, themes, keys and sessions; `store/sqlite` keeps it in a folder, with schema and migrations; `store/contract` is what every store must pass |
//! | [`themes`] | neighbour lists to communities, names, a map, and what became of them from run to run |
//! | [`rank`] | pure arithmetic over slices: the preference model with its parts (Rocchio, nearest, logistic regression), candidate sets, interests, co-reading, chances, questions; diversity, recency |
//! | [`paper`] | the paper as it is sent, its two names, its text without markup, the work it is a version of, the filter |
//! | [`user`] | a user, events and what they come to |
//! | `access` | who may do what: scopes, and who asks |
//! | `matching` | who goes with whom: the pairs of two sets that share most in all |
//! | `vector` | sums and products of dense and sparse vectors |
//! | `templates` | HTML from templates that are compiled in |
//! | [`typeset`] | titles and abstracts as safe HTML: formulas as MathML or signs, faces, links, matched words |
//! | [`config`] | settings: file, environment, flag |
//! | [`error`] | one error, by what the caller can do about it |
//! | [`cancel`] | giving work up when nobody waits for it any more |
//! | `logs` | what the process tells its operator: lines of text or JSON, written behind whoever tells |
//! | [`bounds`] | how long the lists of a request and the answers to it may be |
//!
//! Two roads through it. `GET /v1/papers/{id}/similar`: `http` parses, nothing else; `engine` finds the row and its vector,
//! turns the filter into a set of rows and asks `index` for neighbours under both; `rank` diversifies; `store` gives the
//! papers; `engine` explains; `http` wraps. `paperkin ingest`: `sources` yields papers; `engine` skips what is unchanged by
//! content hash, embeds a window at a time, writes papers and vectors in one transaction and lets the index follow;
//! progress is drawn from what is committed. What is derived (vectors, words, versions) follows by one road, `engine/corpus/follow`.
//!
//! # Floors
//!
//! A module may use only floors below its own.
//!
//! ```text
//! 6  main
//! 5  cli  http                    cli starts http; http does not know cli
//! 4  jobs
//! 3  sources  deliver  eval  backup  doctor    know engine
//! 2  engine                       the only place where the next floor's rooms meet:
//!      page answer widen < corpus < happened < themes < readers access < face open     a part offers methods, and no file looks into another part's state
//! 1  embed  index  store  rank  themes    do not know each other
//! 0  paper  user  access  vector  matching  templates  typeset  config  error  cancel  bounds  logs   know nobody
//! ```
//!
//! # Invariants, as absences
//!
//! - axum, hyper, tower and tokio stand only in `http`. The core is synchronous; handlers reach it through one file
//!   (`http/call`), which puts their work into the one queue, or on a thread of its own where it waits for bytes. Threads that
//!   read and answer do nothing else, and go first.
//! - A request for a host that is not served is answered by nobody else. Who asks is known before any handler runs, and who may
//!   call what stands in one table, `http/access/table`; what is not in it is closed. A handler gets a reader as
//!   `http/access/reader` alone, which nobody can make without the proof that the caller may act for them.
//! - What goes wrong on the routes of other people's clients is an error of ours, from whatever layer, until `http/clients/dialect` says it
//!   in the words and with the status that those clients know; what they ask is asked of the engine as our own handlers ask it.
//! - rmcp stands only in `http/clients/mcp`: the tools of a language model take the parameters of the API, read by what reads those, do
//!   its work in its queue, and say its errors.
//! - Who the client is, where a proxy may stand between, is decided in `http/access/client` alone.
//! - No page of another site changes anything, whoever is signed in, and in every mode (`http/access/origin`); so forms work without
//!   scripts and hold no token. What every answer tells a browser of scripts, frames and caches is said in one place, `http/headers`.
//! - A secret that opens something is shown once and kept as its hash; it stands in no table, log or answer afterwards. A session
//!   has the rights of the key it was begun with and ends with it, else those of one reader (`engine/access/sessions`).
//! - rustls and governor stand only in `http/door`: what ends TLS and what counts how often somebody asks is known nowhere else. A
//!   handler learns how a request came by `door::Scheme`, and who asked by `access::Caller`.
//! - Whatever a client can make the service wait for or hold has a bound: in `http/door` connections, handshakes, heads, bodies, answers that
//!   nobody reads, work; in `http/limits` the time of a request. Refusing costs nothing of what is refused. Work ends when nobody waits for its answer any more.
//! - A command prints, reads and opens files through `cli/streams` alone: the process that carries it out may be another than
//!   the one that asked.
//! - candle stands only in `embed/candle`, tokenizers only in `embed`, tantivy and memory maps only in `index`, SQL only in `store/sqlite`, clap
//!   only in `cli` and `config`, croner only in `config`.
//! - Which store there is, is chosen in `store/mod` alone. The traits know no process, file or statement: one method is one
//!   transaction, change numbers are handed out in the order of the commits, and where to go on from is a typed place. What
//!   stands in a cursor is known to `engine/page` alone.
//! - `rank` and `themes` do no input or output. `index` never sees a paper or SQL, but it may see the filter
//!   that a set of rows came from. `store` never sees a distance.
//! - The rest knows an index over vectors as `VectorIndex` alone; which one there is, is decided in `index/open` by `[index] kind`.
//! - A vector is of unit length from the moment `embed` returns it. `score` is greater for what is better, everywhere:
//!   a similarity; for a stored reader standard deviations above a paper at large (in a feed, while nothing is liked,
//!   attention a day, as in trending). There is one preference model (`rank/preference_model`), and papers are scored by it in
//!   `engine/corpus/preferences`, whoever asks: the same examples give the same order. For a stored reader age and co-reading
//!   are added in `engine/readers/feed/score`. The strategies of `recommend` are parts of the model, by name.
//!   A chance is told in the order of the scores of its answer (`engine/readers/calibration`).
//! - An identifier is read once, in `paper`, whatever form it came in, and looked up once, in `engine/corpus/named`, whichever call
//!   it came to. An id as it was given always wins.
//! - "Today" is never later than the clock: a paper dated ahead of it is kept and shown, and moves nothing.
//! - [`paper::PaperId`] is the name outside, [`paper::Row`] the number inside; only the points of the map are known by it outside as
//!   well (`engine/themes/columns`), as the ids of all papers are megabytes. A row names one immutable text and vector:
//!   a changed text gets a new row, and rows are never used twice.
//! - The store is the truth, and a write goes to the store alone. Changes are numbered in the order of their commits; what is
//!   derived follows from change to change by one call (`engine/corpus/follow`), which is the same after a write, at opening,
//!   and after a failure. Inside `engine` no file leans on one that leans on it, but parent and child.
//! - The index is derived from the store: opened, it compares its rows with the store's, reads what it
//!   lacks and forgets what is gone; its manifest remembers the store's change number, so that an older copy of the store
//!   is noticed; and it can be thrown away and built again. How to search under a filter (score the allowed rows, or walk
//!   the graph stepping over the others) is decided inside `index` from what each segment was measured to need.
//! - A write that the store has taken is a success. What could not follow it (a full disk, no descriptors) is told as long as
//!   it lasts (`Engine::troubles`) and catches up by itself (`engine/corpus/follow`); a paper that was taken away is in no answer,
//!   whatever could be written down of that.
//! - Damage is told, never answered from: every page of the database has a checksum beside it, every paper one in its row, and
//!   the number of the last acknowledged commit stands outside the log, so that a store that comes back older is said. SQLite
//!   changes its file only where these checksums are kept (`store/sqlite/commit`).
//! - What a source says is kept as it came, and a paper is a function of these records alone (`engine/corpus/merge`): the order in
//!   which sources were read leaves no trace. An id that a paper had before it was known to be one with another still names it.
//! - Where to go on with a source is noted when what came before is in. A source is asked by one at a time, and everything from
//!   elsewhere comes through `sources/web`: ureq stands only there, and in
//!   `cli/health`, which asks our own service as anybody would. An address that a user gave never leads to a private network.
//!   A key of a service goes to no other host, and stands in no error and in no line of the log, at any level.
//! - lettre stands only in `deliver/mail`. What comes from outside is made one plain, safe line there before it is in a header, in HTML
//!   or in a text of a mail; a mail loads nothing. A session with a server is spoken command by command, so that a refusal of a
//!   recipient, one of us, and a mail of which nobody knows whether it was taken are told apart (`deliver/mail/smtp`). A password
//!   stands in no error and in no line of the log.
//! - A paper that was taken back ([`paper::Paper::retirement`]) can be found, and is in no feed, list of a day or recommendation.
//! - What is forgotten is in no file when the call returns: the log is emptied and the slack of pages made zero, and that this is owed
//!   is noted first (`store/sqlite/forget`). tar stands only in `backup`.
//! - The folder that was opened is the one that is written: its files are compared before a commit and behind it.
//! - A search reads one state of the index, which never changes; who writes puts another in its place. A file of `segments`
//!   is written once under a new name, and counts when the manifest names it.
//! - The index of words is derived in the same way, and what names its files is the text that tantivy's commit carries. Its
//!   scores come from the live papers alone: the order in which papers came and went leaves no trace in an answer.
//! - A question changes nothing that another call can see, but for when its key was used last: no GET writes (`tests/it/jobs.rs` compares every table). What writes
//!   tells whoever listens (`engine/happened`), and the jobs do the rest: papers join the themes, interests are kept, batches of
//!   readers are told. Interests that an answer found have the ids under which they will be kept: whatever writes something of
//!   a reader keeps them first (`engine/readers/interests/kept`).
//! - A job is run by one runner at a time, over all processes of a store, by a lease that who died loses and who is alive renews
//!   ([`store::JobRecords`]); who lost it is cancelled. A time of a schedule is served once. `serve` runs jobs; a command runs
//!   none but the one it is, under the same lock ([`jobs::once`]).
//! - Themes are made from the neighbours in the index, but for their ids and what happened to them, which nothing can make
//!   again: these are in the store, and go into an export.
//! - Text from outside is text: markup is removed once, in [`paper::plain`], and what is searched, embedded, named and
//!   compared comes from there. What was sent is kept and given back. The store remembers by which rules its texts were
//!   read ([`paper::READING`]); a folder of older ones is brought up to date when it is opened.
//! - A title or an abstract is a part of a page through [`typeset`] alone, which escapes all of it: what is HTML there was made there,
//!   of a list of elements. ammonia stands only there, and lets nothing through that is not in the list.
//! - A rule about words stands once, in [`paper`], whoever needs it: function words and plurals ([`paper::english`]), commands of
//!   TeX ([`paper::tex`]), names of persons ([`paper::person`]), categories, percent signs, accents, what is not seen.
//! - Only its id and its title can cost a paper its place; any other field that cannot be read is left out and told. How much
//!   each may hold is said once, in [`paper::bounds`], whichever way a paper comes; fields that nobody knows stay the text that
//!   they came as. JSON of megabytes is taken apart an entry at a time and never made one tree.
//! - What takes memory by the size of its input is bounded in bytes, not in numbers: a line, an entry of a file (`sources/files`), a window on its way to
//!   the store, what a compressed file unpacks to (`sources/unpack`). No parser grows faster than its input (`tests/it/growth.rs`).
//! - What a saved search or a name matches is said by one function, `Engine::matches` (`engine/readers/searches/matches`, for queries
//!   `engine/corpus/matches`): lists, counts, feeds, mails and webhooks ask it, and so do the totals, facets and orders of a search (`engine/corpus/find`). What is new of it is asked by change number.
//! - A mail is in the store, with its papers and its Message-ID, before it is given to a server, and what became of it is noted behind
//!   that (`deliver/digest/outbox`); a paper that was in a mail to an address is in no other ([`store::Subscriptions`]). What the addresses
//!   in mails may do is signed (`engine/access/signing`, the one secret that the store keeps as it is); following one changes nothing
//!   (`http/web/subscription`).
//! - A page is made where work is done, from what the engine answers, its words from `http/web/texts` (`http/web/pages`). As whom
//!   somebody reads where nobody signs in is what their browser says (`http/web/choices`), and goes through the same proof as any reader
//!   (`http/web/visitor`).
//! - What a webhook is told is in the store before it is told, and that it is about to be told before that. Its secret is derived
//!   (`Engine::webhook_secret`) and stands nowhere; hmac stands only in `jobs`.
//! - Work that takes long looks whether anybody still waits for it ([`cancel`]); what is written goes in whole all the same.
//! - Of the versions of one work (same arXiv id or DOI, or same title and first author, unless they are articles of
//!   different DOIs and years) the newest is shown. The keys are in the store.
//! - What an answer knows of readers other than the one who asks comes through `engine/readers/readership` alone: acts of readers with
//!   a history, in batches, sampled or in coarse steps. The day of an event is there the one on which the store received it.
//! - What people are shown on a terminal or in a feed goes through [`paper::shown`]; JSON for a terminal, and every line of the log,
//!   escapes what that leaves out (`logs` makes the lines, and no other file knows a subscriber of `tracing`). A line names no
//!   path of a request, no reader and no search: a route, the id of the request and that of a key (`http/record`).
//! - Every figure of `/metrics` is described once, in `http/metrics/table`; no label has more values than a list in the code.
//!   Every list of a request and every answer has a greatest length, in [`bounds`].
//! - An import has a claim on what it added to a history, until the user does the same by hand: taken back, it leaves what
//!   others have a claim on. It is committed a window at a time, each with what the import has come to by then.
//! - The model's name, weight hash and precision are kept with every vector. Vectors of two models never meet in one index:
//!   what is made with a model is a space (`engine/corpus/embedding_space`), an answer takes one at its door and hands it on, and moving to
//!   another model puts a new space in the old one's place at once.
//! - One thread owns the model (on a card two threads, each a model of its own). Texts reach it through a queue and leave in
//!   batches of tokens. The queue is bounded for queries; documents come from ingests, which have few windows under way,
//!   and from requests, which `http` bounds.
//! - No panic reaches a user; no `unwrap` outside tests; `unsafe` only in the kernels of `embed/cpu` and
//!   `index/kernel`, where `index` maps its files (`index/segments/map`, `index/lexical/forward`), where memory goes
//!   back to the system (`embed/cpu/release`) and where a thread lets others go first (`index/background`).
//!
//! # Glossary
//!
//! Words that are ours, or that are used in one sense only.
//!
//! | word | meaning |
//! |---|---|
//! | row | the internal number of one immutable text and its vector ([`paper::Row`]); a changed text gets a new row, and no row is used twice |
//! | work | what all versions and duplicates of a paper are versions of: same arXiv id or DOI, or same title and first author |
//! | representative version | the newest version of a work, the one that is shown; the others are *superseded* |
//! | source, record | a service or folder that papers come from by themselves; what one says of one paper |
//! | library paper | a paper that a user brought by an import and that is not in the corpus; only that user sees it |
//! | embedding space | a model, all vectors made with it and the index over them; an answer uses one space from its beginning to its end |
//! | own kernels, candle | the two things that run a model: our code for the processor, and the candle crates; both give the same vectors |
//! | precision | how a model's matrix products are taken (f32, bf16, f16, int8); a part of what identifies its vectors |
//! | segment | a frozen part of the vector index: memory-mapped files that never change, with a graph |
//! | recall profile | the recall that a segment was measured to give for each `ef_search`, with and without a filter |
//! | change number | counts the commits of the store; everything derived knows the number that it has reached |
//! | follow | to bring everything derived (indexes, versions, columns, caches) from one change number to a later one |
//! | event, opinion | one thing that a user did with a paper; what all events of the user on that paper add up to |
//! | weighted example | a paper with the weight of an opinion, from which models are fitted |
//! | preference model | the scoring function of some weighted examples, a reader's or those of a request ([`rank::PreferenceModel`]) |
//! | stance | where a reader stands on a paper, as marks beside it show: liked, saved, against, viewed ([`user::Stance`]) |
//! | folder, to file | a reader's own name for some papers, with an id for ever; to put a paper into one, which saves it |
//! | saved search | what a reader follows, in the everyday sense: a search or a name, with an id for ever; its papers *match* it, and those that came since its reader last looked are *new* |
//! | subscription, issue | what somebody gets by mail, and the day that one of its mails is of |
//! | delivery | a mail that is to be sent, or was; a paper in it is *had* by its address |
//! | webhook, call | an address that is told of new papers; what it is told at once, a *delivery* outside |
//! | candidate set | the papers that a call names, where they are of one kind: scored relative to each other as well ([`rank::CandidateSetRanker`]) |
//! | average paper | the mean of a sample of the corpus; the score of a feed counts standard deviations above it |
//! | interest | a group of a reader's examples with a permanent id, a name and a share of the feed |
//! | co-reading matrix | who read what, from which comes what readers of the same papers read besides ([`rank::CoreadingMatrix`]) |
//! | verdict | an opinion that was said: a like, a save, a dislike, a dismissal; views and clicks are none |
//! | chance | how likely the reader likes a paper, measured on their own verdicts ([`rank::PlattCalibration`]) |
//! | readership | what answers may contain of other readers' acts: batched, sampled or quantized |
//! | attention | how much a paper was noticed: its own numbers (votes, citations) and the acts of readers |
//! | theme snapshot | the themes of one run with the assignment of every paper, as one immutable view |
//! | assignment | the theme of a paper at each level, and whether it is a member or only nearest to it |

mod access;
pub mod backup;
#[doc(hidden)]
pub mod bounds;
pub mod cancel;
#[doc(hidden)]
pub mod cli;
pub mod config;
pub mod deliver;
mod doctor;
pub mod embed;
pub mod engine;
pub mod error;
mod eval;
mod http;
pub mod index;
pub mod jobs;
mod logs;
mod matching;
pub mod paper;
pub mod rank;
pub mod sources;
pub mod store;
mod templates;
pub mod themes;
pub mod typeset;
pub mod user;
mod vector;

pub use error::{Error, Result};
