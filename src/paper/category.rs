//! Categories as they are compared.

use std::ops::Range;

use super::unaccented;

/// A category as it is compared: as names are ([`unaccented`]).
pub fn folded(name: &str) -> String {
    unaccented(name)
}

/// Where the classes of an archive stand among folded categories in order: `math` has `math.oc`, but not `math-ph`.
pub fn classes(folded: &str) -> Range<String> {
    // The sign behind `.` is `/`.
    format!("{folded}.")..format!("{folded}/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_has_its_classes_and_no_others() {
        let all = ["math", "math-ph", "math.AG", "Math.OC", "mathematics", "physics"].map(folded);
        let within: Vec<&str> = all.iter().filter(|c| classes("math").contains(*c)).map(String::as_str).collect();
        assert_eq!(within, ["math.ag", "math.oc"]);
    }
}
