//! OAI-PMH as arXiv speaks it (arXiv/arxiv-oaipmh), and as most repositories do: the prefix decides.

use super::{Answer, Paper, Plays, Request, escaped};

pub struct State {
    pub papers: Vec<Paper>,
    /// Records of a page.
    pub page: usize,
    /// Whether the repository counts seconds (`arXiv` counts days).
    pub seconds: bool,
    pub earliest: String,
    /// What an answer says of today.
    pub response_date: String,
    /// Numbers of papers whose record is broken XML.
    pub broken: Vec<usize>,
    /// Tokens that are refused from now on, one a request.
    pub expired: usize,
    /// What every token begins with.
    pub token: String,
}

impl Plays for State {
    const PATH: &'static str = "/oai";

    fn with(papers: Vec<Paper>) -> Self {
        State {
            papers,
            page: 100,
            seconds: false,
            earliest: "2005-09-16".into(),
            response_date: "2026-11-26T06:00:00Z".into(),
            broken: Vec::new(),
            expired: 0,
            token: "verb=ListRecords&a/b+c==".into(),
        }
    }

    fn papers(&mut self) -> &mut Vec<Paper> {
        &mut self.papers
    }

    fn answer(&mut self, request: &Request) -> Answer {
        let body = match request.arg("verb") {
            "Identify" => self.identify(),
            "ListRecords" => self.list(request),
            _ => error("badVerb", "Reason: no such verb"),
        };
        Answer::xml(format!(
            "<?xml version='1.0' encoding='UTF-8'?>\n<OAI-PMH xmlns='http://www.openarchives.org/OAI/2.0/'>\
             <responseDate>{}</responseDate><request>http://x/oai</request>{body}</OAI-PMH>",
            self.response_date
        ))
    }
}

impl State {
    fn identify(&self) -> String {
        let granularity = if self.seconds { "YYYY-MM-DDThh:mm:ssZ" } else { "YYYY-MM-DD" };
        format!(
            "<Identify><repositoryName>A repository</repositoryName><protocolVersion>2.0</protocolVersion>\
             <earliestDatestamp>{}</earliestDatestamp><deletedRecord>persistent</deletedRecord>\
             <granularity>{granularity}</granularity></Identify>",
            self.earliest
        )
    }

    fn list(&mut self, request: &Request) -> String {
        let token = request.arg("resumptionToken");
        let (from, until, prefix, skip) = if token.is_empty() {
            let from = request.arg("from").to_string();
            if !self.seconds && from.len() > 10 {
                return error("badArgument", "Bad granularity. Reason: day only");
            }
            if !from.is_empty() && from.as_str() < self.earliest.get(..from.len()).unwrap_or(&self.earliest) {
                return error("badArgument", "from is before the earliest datestamp");
            }
            (from, request.arg("until").to_string(), request.arg("metadataPrefix").to_string(), 0)
        } else {
            if self.expired > 0 {
                self.expired -= 1;
                return error("badResumptionToken", "The token has expired");
            }
            let rest = token.strip_prefix(&self.token).unwrap_or_default();
            let parts: Vec<&str> = rest.split('|').collect();
            let [from, until, prefix, skip] = parts[..] else {
                return error("badResumptionToken", "This is no token of ours");
            };
            (from.to_string(), until.to_string(), prefix.to_string(), skip.parse().expect("a number"))
        };
        if !matches!(prefix.as_str(), "arXiv" | "arXivRaw" | "oai_dc") {
            return error("cannotDisseminateFormat", "No such format");
        }
        let stamp = |paper: &Paper| {
            if self.seconds {
                format!("{}T12:00:{:02}Z", paper.changed, paper.number % 60)
            } else {
                paper.changed.to_string()
            }
        };
        let mut found: Vec<&Paper> = self
            .papers
            .iter()
            .filter(|p| from.is_empty() || stamp(p) >= from || p.changed.to_string() >= from)
            .filter(|p| until.is_empty() || p.changed.to_string().as_str() <= until.get(..10).unwrap_or(&until))
            .collect();
        found.sort_by_key(|p| (stamp(p), p.number));
        if found.is_empty() {
            return error("noRecordsMatch", "Nothing matches");
        }
        let end = (skip + self.page).min(found.len());
        let records: String = found[skip..end].iter().map(|p| self.record(p, &stamp(p), &prefix)).collect();
        let token = if end < found.len() {
            let token = escaped(&format!("{}{from}|{until}|{prefix}|{end}", self.token));
            format!("<resumptionToken expires='2026-11-27T00:00:00Z'>{token}</resumptionToken>")
        } else if prefix == "oai_dc" {
            // Others end with an empty one.
            "<resumptionToken completeListSize='7'/>".into()
        } else {
            String::new()
        };
        format!("<ListRecords>{records}{token}</ListRecords>")
    }

    fn record(&self, p: &Paper, stamp: &str, prefix: &str) -> String {
        let id = if prefix == "oai_dc" {
            format!("oai:repository.example:{}", p.number)
        } else {
            format!("oai:arXiv.org:{}", p.arxiv)
        };
        let status = if p.deleted { " status='deleted'" } else { "" };
        let head = format!(
            "<header{status}><identifier>{id}</identifier><datestamp>{stamp}</datestamp><setSpec>cs:cs:LG</setSpec></header>"
        );
        if p.deleted {
            return format!("<record>{head}</record>\n");
        }
        let (title, summary) = (escaped(&p.title).replace(" in ", "\n  in "), escaped(&p.summary));
        let comment = if p.retracted { "This paper has been withdrawn by the authors" } else { "12 pages" };
        let names = p.names();
        let metadata = match prefix {
            "arXiv" => {
                let author = |(given, family): &(String, String)| {
                    format!("<author><keyname>{family}</keyname><forenames>{given}</forenames></author>")
                };
                let authors: String = p.authors.iter().map(author).collect();
                let updated = if p.version > 1 { format!("<updated>{}</updated>", p.changed) } else { String::new() };
                format!(
                    "<arXiv xmlns='http://arxiv.org/OAI/arXiv/'><id>{}</id><created>{}</created>{updated}<authors>{authors}</authors>\
                     <title>{title}</title><categories>cs.LG stat.ML</categories><comments>{comment}</comments><doi>{}</doi>\
                     <license>http://creativecommons.org/licenses/by/4.0/</license><abstract>  {summary}\n</abstract></arXiv>",
                    p.arxiv, p.date, p.doi
                )
            }
            "arXivRaw" => {
                let date = p.date.strftime("%a, %d %b %Y 10:00:00 GMT");
                let versions: String = (1..=p.version)
                    .map(|v| format!("<version version='v{v}'><date>{date}</date><size>12kb</size></version>"))
                    .collect();
                format!(
                    "<arXivRaw xmlns='http://arxiv.org/OAI/arXivRaw/'><id>{}</id><submitter>S</submitter>{versions}<title>{title}</title>\
                     <authors>{}</authors><categories>cs.LG stat.ML</categories><comments>{comment}</comments><doi>{}</doi>\
                     <abstract>{summary}</abstract></arXivRaw>",
                    p.arxiv,
                    names.join(", "),
                    p.doi
                )
            }
            _ => {
                let creators: Vec<String> = p
                    .authors
                    .iter()
                    .map(|(given, family)| format!("<dc:creator>{family}, {given}</dc:creator>"))
                    .collect();
                // Creators stand among the others, as repositories write them.
                format!(
                    "<oai_dc:dc xmlns:oai_dc='http://www.openarchives.org/OAI/2.0/oai_dc/' xmlns:dc='http://purl.org/dc/elements/1.1/'>\
                     <dc:title>{title}</dc:title>{}<dc:date>{}</dc:date><dc:description>{summary}</dc:description>{}\
                     <dc:description>12 pages&nbsp;long</dc:description><dc:identifier>http://repository.example/{}</dc:identifier>\
                     <dc:identifier>https://doi.org/{}</dc:identifier><dc:date>2027</dc:date></oai_dc:dc>",
                    creators[0],
                    p.date,
                    creators[1..].concat(),
                    p.number,
                    p.doi
                )
            }
        };
        let metadata = if self.broken.contains(&p.number) { metadata.replace("</", "<") } else { metadata };
        format!("<record>{head}<metadata>{metadata}</metadata></record>\n")
    }
}

fn error(code: &str, why: &str) -> String {
    format!("<error code='{code}'>{why}</error>")
}
