//! What can be asked of the papers.

use std::path::Path;
use std::sync::Arc;

use crate::config::Config;
use crate::embed::{Embedder, Kind};
use crate::engine::Engine;
use crate::engine::answer::{Answer, SearchOptions, SearchRequest, Suggestion};
use crate::engine::corpus::{
    Checkup, Corpus, Diagnosis, EmbeddingWish, Embeddings, Exported, Info, PaperInFull, Recommend, Reembedded, Report,
    Source, TakeNeighbours,
};
use crate::engine::happened::Happened;
use crate::engine::page::{Listing, Page};
use crate::error::Result;
use crate::index::{Correction, Lexical, MatchedWords};
use crate::paper::{Paper, PaperId};
use crate::store::{JobRecords, StoreCopy, StoredModel, Trouble};

impl Engine {
    /// The paper that a text names: its id, or any form of its arXiv id, DOI and the like.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) when there is none.
    pub fn paper(&self, id: &str) -> Result<Paper> {
        self.corpus.paper(id)
    }

    /// The paper that an id or identifier names, with the other versions of its work.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) when there is none.
    pub fn paper_in_full(&self, id: &str) -> Result<PaperInFull> {
        self.corpus.paper_in_full(id)
    }

    /// A page of papers without a query.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) for a limit out of range,
    /// [`Error::BadRequest`](crate::Error::BadRequest) for a broken cursor.
    pub fn list(&self, listing: &Listing) -> Result<Page<Paper>> {
        self.corpus.list(listing)
    }

    /// Ids in the order the papers came in, up to `n` from the one behind `after` on.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn ids(&self, after: Option<crate::paper::Row>, n: usize) -> Result<Vec<(crate::paper::Row, PaperId)>> {
        self.corpus.ids(after, n)
    }

    /// Papers in the order they came in, up to `n` from the one behind `after` on, with their vectors.
    pub fn export(&self, after: Option<crate::paper::Row>, n: usize) -> Result<Vec<Exported>> {
        self.corpus.export(after, n)
    }

    /// Takes papers in. `progress` hears the report so far after each committed window.
    ///
    /// # Errors
    /// When the model, the disk or the source fails; all windows reported so far are safe, and running it again goes on
    /// where it stopped.
    pub fn ingest(&self, source: Source<'_>, progress: &(dyn Fn(&Report) + Sync)) -> Result<Report> {
        self.corpus.ingest(source, progress)
    }

    /// Takes a paper away: it is in no later answer. It is named by its id, or by an identifier that no second paper
    /// has.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) when there is none; [`Error::Invalid`](crate::Error::Invalid) when
    /// the identifier names several.
    pub fn delete(&self, id: &str) -> Result<()> {
        self.corpus.delete(id)
    }

    /// Papers for a query: its words and its meaning, its conditions (see [`Query::read`](crate::index::Query::read)),
    /// or a paper that it names. A text of many words is a query by example.
    ///
    /// A whole title is a title, whatever looks like an operator in it. A word that no paper holds is looked for as the
    /// commonest one a letter away, and the answer says so. What holds no letter and no digit finds nothing.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) for an empty or overlong query and for a request that is not allowed.
    pub fn search(&self, query: &str, ask: &SearchOptions) -> Result<Answer> {
        self.corpus.search(query, ask)
    }

    /// The words of a query to mark in what it found, with the corrections that its answer tells of: none for a text of many words.
    /// For [`crate::typeset`].
    ///
    /// # Errors
    /// [`Error::Internal`](crate::Error::Internal) when the index cannot be read.
    pub fn matched_words(&self, query: &str, corrected: &[Correction]) -> Result<MatchedWords> {
        self.corpus.matched_words(query, corrected)
    }

    /// Papers for a query as [`Engine::search`] finds them, with all that can be asked of a search: only those that match
    /// ([`MatchCount`](crate::engine::MatchCount)), in another order, and what these have in common, counted.
    ///
    /// An empty query is allowed where the filter says which papers are wanted: they all match.
    ///
    /// # Errors
    /// As [`Engine::search`]; [`Error::NotFound`](crate::Error::NotFound) for a theme that is not there,
    /// [`Error::BeingMade`](crate::Error::BeingMade) for one before there are any.
    pub fn search_with(&self, query: &str, request: &SearchRequest) -> Result<Answer> {
        self.corpus.search_with(query, request)
    }

    /// What a text that is being typed may go on as: up to `limit` (1 to [`bounds::SUGGESTIONS`](crate::bounds::SUGGESTIONS))
    /// authors, categories, themes and titles whose words begin so, in this order. Nothing for an empty text, and for one of more
    /// than 200 characters, which was not typed.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) for a limit out of range and for an overlong text.
    pub fn suggest(&self, text: &str, limit: usize) -> Result<Vec<Suggestion>> {
        self.corpus.suggest(text, limit)
    }

    /// Papers like the one that an id or identifier names: never itself, nor (unless `versions` is asked for) another
    /// version of its work.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) when there is no such paper;
    /// [`Error::Invalid`](crate::Error::Invalid) for a request that is not allowed.
    pub fn similar(&self, id: &str, ask: &SearchOptions) -> Result<Answer> {
        self.corpus.similar(id, ask)
    }

    /// Papers like each of some papers, with the ids that these were given, in the order of the list.
    ///
    /// # Errors
    /// As [`Engine::similar`]; [`Error::Invalid`](crate::Error::Invalid) also for no id, too many, or an answer that
    /// would be too long ([`bounds`](crate::bounds)).
    pub fn similar_to_each(&self, ids: &[PaperId], ask: &SearchOptions) -> Result<Vec<(PaperId, Answer)>> {
        self.corpus.similar_to_each(ids, ask)
    }

    /// Gives each paper with its neighbours to `f`, in the order the papers came in: the ids and scores of
    /// [`Engine::similar`], without reading the papers. What the filter allows are the neighbours; every paper gets its
    /// own.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) for a request that is not allowed, or that asks for diversity;
    /// whatever `f` returns.
    pub fn each_neighbours(&self, ask: &SearchOptions, f: &mut TakeNeighbours<'_>) -> Result<()> {
        self.corpus.each_neighbours(ask, f)
    }

    /// Papers close to what is liked and far from what is not.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) names an id that is not there;
    /// [`Error::Invalid`](crate::Error::Invalid) says what of the request is not allowed.
    pub fn recommend(&self, request: &Recommend) -> Result<Answer> {
        match &request.user {
            Some(user) => self.readers.recommend(user, request),
            None => self.corpus.recommend(request),
        }
    }

    /// Unit vectors of some texts, and the model they are of. Texts are embedded as those of papers are: without
    /// markup.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) for no text, too many, an empty or an overlong one.
    pub fn embed(&self, texts: &[&str], kind: Kind) -> Result<(Vec<Vec<f32>>, StoredModel)> {
        self.corpus.embed(texts, kind)
    }

    /// The same as other services give it: with the tokens that were read, shortened where that is asked for and the model allows
    /// it.
    ///
    /// # Errors
    /// As [`Engine::embed`]; [`Error::Invalid`](crate::Error::Invalid) also for a dimension that the model does not allow, and for a
    /// text that is too long where it is to be read whole.
    pub fn embed_as(&self, texts: &[&str], wish: &EmbeddingWish) -> Result<Embeddings> {
        self.corpus.embed_as(texts, wish)
    }

    /// The embedder of the current model, opened now if nobody did before.
    ///
    /// # Errors
    /// [`Error::Model`](crate::Error::Model) when it cannot be opened; [`Error::Data`](crate::Error::Data) when it is
    /// no longer the model that the papers' vectors were made with.
    pub fn embedder(&self) -> Result<Arc<dyn Embedder>> {
        self.corpus.embedder()
    }

    /// The words of the papers: which hold a word, and which words each holds.
    pub fn lexical(&self) -> &Lexical {
        self.corpus.lexical()
    }

    /// The day that counts as today; days since 1970-01-01. It is the newest on which a paper was listed (else dated)
    /// up to the day of this machine's clock: over a corpus that is no longer fed, its last day. Papers with a day
    /// ahead of the clock move nothing; where all papers have one, it is the clock's day. None where no paper has a
    /// day.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn today(&self) -> Result<Option<i32>> {
        self.corpus.today()
    }

    /// The model whose vectors the papers have.
    pub fn model(&self) -> StoredModel {
        self.corpus.model()
    }

    /// Whether the open folder has the model that `config` asks for, if it asks for one.
    ///
    /// # Errors
    /// [`Error::Data`](crate::Error::Data) when it has another, [`Error::Model`](crate::Error::Model) when the one
    /// asked for cannot be found.
    pub fn check_model(&self, config: &Config) -> Result<()> {
        self.corpus.check_model(config)
    }

    /// Moves all papers to the model that `wanted` names (its `model`, `precision` and `dimension`; what it leaves out
    /// is chosen as for a new folder). Searches and ingests go on meanwhile with the old one. `progress` hears how many
    /// papers of how many have been embedded.
    ///
    /// # Errors
    /// When the model cannot be used or the disk fails; the old model goes on, and running it again goes on where it
    /// stopped.
    pub fn reembed(&self, wanted: &Config, progress: &dyn Fn(usize, usize)) -> Result<Reembedded> {
        let done = self.corpus.reembed(wanted, progress)?;
        // The move is made; what is missing of libraries is embedded by the job `interests`.
        if let Err(e) = self.readers.keep_outside_vectors() {
            tracing::warn!("papers of libraries have no vectors of the new model yet: {e}");
        }
        self.listeners.tell(Happened::Readers);
        Ok(done)
    }

    /// The settings it was opened with.
    pub fn config(&self) -> &Config {
        self.corpus.config()
    }

    /// Brings the indexes into good order and on disk. Searches go on meanwhile; it may take minutes.
    ///
    /// # Errors
    /// When the index files cannot be written. Nothing is lost then: they are built again from the store.
    pub fn maintain(&self) -> Result<()> {
        self.corpus.maintain()
    }

    /// Whether [`Engine::maintain`] would have something long to do.
    pub fn maintenance_is_due(&self) -> bool {
        self.corpus.maintenance_is_due()
    }

    /// Does the same beside requests: the vectors' part behind them, on one thread, without waiting for it.
    ///
    /// What cannot be written is told by [`Engine::troubles`] and tried again.
    ///
    /// # Errors
    /// None so far.
    pub fn maintain_gently(&self) -> Result<()> {
        self.corpus.maintain_gently()
    }

    /// The number of the last change of the papers; 0 before the first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn change(&self) -> Result<u64> {
        self.corpus.change()
    }

    /// Has `listener` told of whatever changes from now on, once it is in every answer. It is called on the thread that
    /// writes, and has to return at once.
    pub fn listen(&self, listener: Box<dyn Fn(Happened) + Send + Sync>) {
        self.listeners.add(listener);
    }

    /// The lock on what runs without being asked, and the memory of it.
    pub fn job_records(&self) -> &dyn JobRecords {
        &*self.jobs
    }

    /// What is wrong for now, the gravest first; empty while all is well. It waits for nothing.
    pub fn troubles(&self) -> Vec<Trouble> {
        self.corpus.troubles()
    }

    /// Searches the index for a sample of its rows, compares with the exact scan, and reads every file of it; reads
    /// every page of the database.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn check_index(&self, sample: usize) -> Result<Checkup> {
        self.corpus.check_index(sample)
    }

    /// Looks at everything: the database and its pages, what was acknowledged, the indexes with their files, the model,
    /// the free disk, and what is known to be wrong. It takes seconds and reads all of the folder.
    pub fn diagnose(&self) -> Diagnosis {
        self.corpus.diagnose()
    }

    /// Takes a copy of the store as of now, and looks at all of it; writers go on. `progress` hears how many bytes of how many.
    ///
    /// # Errors
    /// Those of [`Copies::copy`](crate::store::Copies::copy).
    pub fn copy_store(&self, progress: &dyn Fn(u64, u64)) -> Result<StoreCopy> {
        self.corpus.copy_store(progress)
    }

    /// Takes the store as it is: what is missing is told of no more. Gives what was accepted; none where nothing was
    /// missing.
    ///
    /// # Errors
    /// When that cannot be written down.
    pub fn accept_store(&self) -> Result<Option<String>> {
        self.corpus.accept_store()
    }

    /// The same for the folder of a store that is damaged, which cannot be opened: gives how many papers are damaged.
    ///
    /// # Errors
    /// [`Error::Data`](crate::Error::Data) when SQLite cannot read all of it, [`Error::InUse`](crate::Error::InUse)
    /// when the folder is open.
    pub fn accept_closed(folder: &Path) -> Result<usize> {
        Corpus::accept_closed(folder)
    }

    /// What the folder holds.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn info(&self) -> Result<Info> {
        self.corpus.info()
    }
}
