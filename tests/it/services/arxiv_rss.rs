//! arXiv's announcements of the day as RSS (arXiv/arxiv-feed).

use super::{Answer, Paper, Plays, Request, escaped};

pub struct State {
    pub papers: Vec<Paper>,
    /// The day of the feed: papers of that day are new, those changed on it replaced.
    pub day: jiff::civil::Date,
    /// How many of the new ones are cross-listed.
    pub crossed: usize,
}

impl Plays for State {
    fn with(papers: Vec<Paper>) -> Self {
        State { papers, day: super::BEGIN, crossed: 1 }
    }

    fn papers(&mut self) -> &mut Vec<Paper> {
        &mut self.papers
    }

    fn answer(&mut self, request: &Request) -> Answer {
        let Some(categories) = request.path.strip_prefix("/rss/") else {
            return Answer::of("text/plain", "").with(404);
        };
        let known = |c: &str| matches!(c, "cs" | "cs.LG" | "stat.ML");
        if let Some(bad) = categories.split('+').find(|c| !known(c)) {
            let wrong =
                format!("<title>Feed error for query \"{bad}\"</title><description>Bad archive '{bad}'.</description>");
            return Answer::xml(feed(&self.day.to_string(), &wrong)).with(400);
        }
        let new = self.papers.iter().filter(|p| p.date == self.day).enumerate();
        let mut items: Vec<String> =
            new.map(|(k, p)| item(p, if k < self.crossed { "cross" } else { "new" }, self.day)).collect();
        let replaced = self.papers.iter().filter(|p| p.version > 1 && p.changed == self.day && p.date != self.day);
        items.extend(replaced.map(|p| item(p, "replace", self.day)));
        Answer::of("application/rss+xml", feed(&day_line(self.day), &items.concat()))
    }
}

fn day_line(day: jiff::civil::Date) -> String {
    day.strftime("%a, %d %b %Y 00:00:00 -0500").to_string()
}

fn feed(day: &str, items: &str) -> String {
    format!(
        "<?xml version='1.0' encoding='UTF-8'?>\n<rss xmlns:arxiv=\"http://arxiv.org/schemas/atom\" \
         xmlns:dc=\"http://purl.org/dc/elements/1.1/\" xmlns:atom=\"http://www.w3.org/2005/Atom\" version=\"2.0\"><channel>\
         <title>cs.LG updates on arXiv.org</title><link>http://rss.arxiv.org/rss/cs.LG</link><description>updates</description>\
         <lastBuildDate>{day}</lastBuildDate><pubDate>{day}</pubDate>\
         <skipDays><day>Saturday</day><day>Sunday</day></skipDays>{items}</channel></rss>"
    )
}

fn item(p: &Paper, kind: &str, day: jiff::civil::Date) -> String {
    let id = format!("{}v{}", p.arxiv, p.version);
    format!(
        "<item><title>{}</title><link>https://arxiv.org/abs/{}</link><description>arXiv:{id} Announce Type: {kind} \n\
         Abstract: {}</description><guid isPermaLink=\"false\">oai:arXiv.org:{id}</guid><category>cs.LG</category>\
         <category>stat.ML</category><pubDate>{}</pubDate><arxiv:announce_type>{kind}</arxiv:announce_type>\
         <dc:rights>http://creativecommons.org/licenses/by/4.0/</dc:rights><arxiv:DOI>{}</arxiv:DOI>\
         <dc:creator>{}</dc:creator></item>",
        escaped(&p.title),
        p.arxiv,
        escaped(&p.summary),
        day_line(day),
        p.doi,
        p.names().join(", ")
    )
}
