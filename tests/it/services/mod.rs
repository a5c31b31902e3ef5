//! The services that papers come from, played on loopback from their published formats: one file each. All of them have the same
//! [`papers`]; what a service has can be changed while it runs, and every answer can be made to fail ([`Fault`]).
//!
//! ```ignore
//! let oai = services::Oai::start(services::papers(1000));
//! oai.edit(|s| s.page = 100);
//! oai.server.suffers([None, Some(Fault::BreaksOff)]);
//! // ... [[source]] kind = "arxiv", url = oai.url()
//! assert_eq!(oai.server.requests().len(), 11);
//! ```

pub mod arxiv_rss;
pub mod biorxiv;
pub mod crossref;
pub mod daily_papers;
pub mod europe_pmc;
pub mod feed;
pub mod oai;
pub mod openalex;
mod papers;
pub mod semantic_scholar;
mod server;
pub mod smtp;
pub mod zotero;

use std::sync::{Arc, Mutex};

pub use papers::{BEGIN, Paper, TODAY, escaped, papers};
pub use server::{Answer, Fault, Request, Server};

pub type ArxivRss = Service<arxiv_rss::State>;
pub type Biorxiv = Service<biorxiv::State>;
pub type Crossref = Service<crossref::State>;
pub type DailyPapers = Service<daily_papers::State>;
pub type EuropePmc = Service<europe_pmc::State>;
pub type Feed = Service<feed::State>;
pub type Oai = Service<oai::State>;
pub type OpenAlex = Service<openalex::State>;
pub type SemanticScholar = Service<semantic_scholar::State>;
pub type Zotero = Service<zotero::State>;

/// What a service has, and how it answers.
pub trait Plays: Send + 'static {
    /// Behind the server's address, what the setting `url` holds.
    const PATH: &'static str = "";

    fn with(papers: Vec<Paper>) -> Self;
    fn papers(&mut self) -> &mut Vec<Paper>;
    fn answer(&mut self, request: &Request) -> Answer;
}

/// A service that runs.
pub struct Service<S> {
    pub server: Server,
    state: Arc<Mutex<S>>,
}

impl<S: Plays> Service<S> {
    pub fn start(papers: Vec<Paper>) -> Self {
        let state = Arc::new(Mutex::new(S::with(papers)));
        let shared = Arc::clone(&state);
        let server = Server::start(move |request| shared.lock().expect("no panic").answer(request));
        Service { server, state }
    }

    /// What the setting `url` is to be.
    pub fn url(&self) -> String {
        format!("{}{}", self.server.url(), S::PATH)
    }

    /// Changes what it has.
    pub fn edit<T>(&self, edit: impl FnOnce(&mut S) -> T) -> T {
        edit(&mut self.state.lock().expect("no panic"))
    }

    /// Changes one of its papers.
    pub fn edit_paper(&self, at: usize, edit: impl FnOnce(&mut Paper)) {
        self.edit(|state| edit(&mut state.papers()[at]));
    }

    /// Requests since the last call of this.
    pub fn taken(&self) -> Vec<Request> {
        self.server.taken()
    }

    pub fn requests(&self) -> Vec<Request> {
        self.server.requests()
    }

    pub fn suffers(&self, faults: impl IntoIterator<Item = Option<Fault>>) {
        self.server.suffers(faults);
    }
}
