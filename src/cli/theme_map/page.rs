//! The map as a page of its own: the script and the look of the service's map, with all papers in the file. It asks nobody for
//! anything.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::cli::show::thousands;
use crate::engine::{Engine, MapPoints, ThemeMap};
use crate::http::{MAP, MAP_STYLE};

/// With up to so many papers the page contains their titles.
const TITLES: usize = 50_000;

/// Papers looked up at a time.
const PAGE: usize = 1_000;

/// The page.
///
/// # Errors
/// When the papers cannot be read.
pub fn page(engine: &Engine, map: &ThemeMap) -> anyhow::Result<String> {
    let columns = engine.map_columns()?;
    let titled = columns.rows().len() <= TITLES;
    let (mut rows, mut ids, mut titles, mut dates) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for some in columns.rows().chunks(PAGE) {
        for paper in engine.map_papers(&MapPoints::Rows(some.to_vec()))?.papers {
            rows.push(paper.row);
            ids.push(paper.id);
            titles.push(paper.title);
            dates.push(paper.date);
        }
    }
    let papers = match titled {
        true => json!({ "row": rows, "id": ids, "title": titles, "date": dates }),
        false => json!({ "row": rows, "id": ids }),
    };
    // Inside a script element this could end it, or begin what does not end.
    let papers = serde_json::to_string(&papers)?.replace('<', "\\u003c");
    let title = format!("Map of {} papers", thousands(map.points.id.len()));
    let filled = include_str!("page.html")
        .replace("{{title}}", &title)
        .replace("{{style}}", MAP_STYLE)
        .replace("{{script}}", &script())
        .replace("{{columns}}", &STANDARD.encode(columns.bytes()));
    // Last: a title of a paper may hold anything.
    Ok(filled.replace("{{papers}}", &papers))
}

/// The modules of the map as one.
fn script() -> String {
    let lines = MAP.iter().flat_map(|module| module.text.lines()).filter(|line| !line.starts_with("import "));
    let own = |line: &str| line.strip_prefix("export ").unwrap_or(line).to_string() + "\n";
    lines.map(own).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_map_says_stands_in_one_table() {
        for module in &MAP {
            for sign in ["new Error(\"", "textContent = \"", "ariaLabel: \"", "title: \"", "placeholder: \""] {
                let at = module.text.find(sign).map(|at| module.text[at..].chars().take(60).collect::<String>());
                assert_eq!(at, None, "a text outside of TEXT in map_base.js");
            }
        }
    }

    #[test]
    fn the_modules_become_one_script() {
        let script = script();
        assert!(script.contains("\nfunction mount(") && !script.contains("\nimport ") && !script.contains("\nexport "));
        assert!(!script.contains("</script") && !script.contains("{{"));
        // Each name once: as one script they share a scope.
        let names = script.lines().filter_map(|line| {
            let rest =
                ["function ", "async function ", "const ", "let "].iter().find_map(|kind| line.strip_prefix(kind))?;
            rest.split(|c: char| !c.is_alphanumeric() && c != '_').next()
        });
        let mut seen = std::collections::HashSet::new();
        names.for_each(|name| assert!(seen.insert(name), "{name} stands twice"));
    }
}
