//! Which set of arXiv's repository holds some categories.

/// The archives of the group `physics`. Every other archive is a group of its own.
const PHYSICS: [&str; 13] = [
    "astro-ph", "cond-mat", "gr-qc", "hep-ex", "hep-lat", "hep-ph", "hep-th", "math-ph", "nlin", "nucl-ex", "nucl-th",
    "physics", "quant-ph",
];

/// The smallest set that holds all papers of these categories, so that no more is asked for than is wanted; none where they are
/// of several groups.
pub fn set_of(categories: &[String]) -> Option<String> {
    let archive = |category: &String| category.split('.').next().unwrap_or_default().to_string();
    let group = |archive: &str| if PHYSICS.contains(&archive) { "physics".to_string() } else { archive.to_string() };
    let first = categories.first()?;
    let (own, group_of) = (archive(first), group(&archive(first)));
    if categories.iter().any(|category| group(&archive(category)) != group_of) {
        return None;
    }
    if categories.iter().any(|category| archive(category) != own) {
        return Some(group_of);
    }
    match (categories.len(), first.split_once('.')) {
        (1, Some((_, class))) => Some(format!("{group_of}:{own}:{class}")),
        _ if group_of == own => Some(group_of),
        _ => Some(format!("{group_of}:{own}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_set_is_asked_for() {
        for (categories, set) in [
            (&["cs.LG"][..], Some("cs:cs:LG")),
            (&["cs.LG", "cs.CL"], Some("cs")),
            (&["cs"], Some("cs")),
            (&["hep-th"], Some("physics:hep-th")),
            (&["hep-th", "gr-qc"], Some("physics")),
            (&["astro-ph.CO"], Some("physics:astro-ph:CO")),
            (&["cs.LG", "stat.ML"], None),
            (&["q-bio.NC"], Some("q-bio:q-bio:NC")),
            (&[], None),
        ] {
            let categories: Vec<String> = categories.iter().map(|c| c.to_string()).collect();
            assert_eq!(set_of(&categories).as_deref(), set, "{categories:?}");
        }
    }
}
