//! Searching on until enough is left: an index gives its nearest, and rules that it does not know take some of them away.

use std::collections::BTreeMap;

use crate::error::Result;

/// How many times as far each look reaches as the one before: the few that are needed cost less than the last of them.
const GROWTH: usize = 4;

/// What a look came to.
pub enum Look<T> {
    /// There is enough, or nothing more to find.
    Done(T),
    /// Too little is left; this is the answer only where there was no more to look at.
    TooFew(T),
}

/// Looks at the `first` nearest of `all`, and further and further until it is enough; gives what the last look came to.
///
/// `look(k)` looks at the `k` nearest and says what is left of them. `k` rises with each call and never beyond `all + 1`, where one
/// more than there are says that nothing lies behind. Beyond a quarter of all, all are as cheap: then `k` is `all + 1` at once, and
/// pages that were cut from such answers join without gap or overlap. There is at least one look and none behind `all + 1`.
///
/// # Errors
/// The first that `look` gives.
pub fn widen<T>(first: usize, all: usize, mut look: impl FnMut(usize) -> Result<Look<T>>) -> Result<T> {
    let mut k = reach(first, all);
    loop {
        match look(k)? {
            Look::Done(found) => return Ok(found),
            Look::TooFew(found) if k > all => return Ok(found),
            Look::TooFew(_) => k = further(k, all),
        }
    }
}

/// The same for many at once, each from its own `first`: `look(k, which)` looks at the `k` nearest for those that are still looking
/// and want as many, given by their places, and says in their order what is left of each.
///
/// # Errors
/// The first that `look` gives.
pub fn widen_all<T>(
    first: &[usize],
    all: usize,
    mut look: impl FnMut(usize, &[usize]) -> Result<Vec<Look<T>>>,
) -> Result<Vec<T>> {
    let mut waiting: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (place, first) in first.iter().enumerate() {
        waiting.entry(reach(*first, all)).or_default().push(place);
    }
    let mut found: Vec<Option<T>> = first.iter().map(|_| None).collect();
    while let Some((k, places)) = waiting.pop_first() {
        for (place, look) in places.iter().zip(look(k, &places)?) {
            match look {
                Look::TooFew(_) if k <= all => waiting.entry(further(k, all)).or_default().push(*place),
                Look::Done(value) | Look::TooFew(value) => found[*place] = Some(value),
            }
        }
    }
    // `look` answers for each, so none is left out.
    Ok(found.into_iter().flatten().collect())
}

fn reach(k: usize, all: usize) -> usize {
    if k > all / GROWTH { all.saturating_add(1) } else { k }
}

fn further(k: usize, all: usize) -> usize {
    reach(k.saturating_mul(GROWTH).max(1), all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use proptest::prelude::*;

    fn looks(first: usize, all: usize, enough: usize) -> Vec<usize> {
        let mut looks = Vec::new();
        let look = |k| {
            looks.push(k);
            Ok(if k >= enough { Look::Done(()) } else { Look::TooFew(()) })
        };
        widen(first, all, look).expect("no look fails");
        looks
    }

    #[test]
    fn it_is_looked_further_until_enough_is_left() {
        assert_eq!(looks(10, 1000, 10), [10]);
        assert_eq!(looks(10, 1000, 100), [10, 40, 160]);
        assert_eq!(looks(10, 1000, usize::MAX), [10, 40, 160, 1001]);
        assert_eq!(looks(300, 1000, 1), [1001]);
        assert_eq!(looks(0, 1000, 3), [0, 1, 4]);
        assert_eq!(looks(5, 0, 9), [1]);
    }

    #[test]
    fn many_look_together_and_each_as_far_as_it_must() {
        let enough = [5, 100, 5, 10_000];
        let mut calls = Vec::new();
        let found = widen_all(&[10, 10, 40, 10], 1000, |k, which| {
            calls.push((k, which.to_vec()));
            Ok(which.iter().map(|i| if k >= enough[*i] { Look::Done(k) } else { Look::TooFew(k) }).collect())
        });
        assert_eq!(found.expect("no look fails"), [10, 160, 40, 1001]);
        let of = |k: usize, which: &[usize]| (k, which.to_vec());
        assert_eq!(calls, [of(10, &[0, 1, 3]), of(40, &[2, 1, 3]), of(160, &[1, 3]), of(1001, &[3])]);
        assert_eq!(widen_all(&[], 9, |_, _| Ok(vec![Look::Done(1)])).expect("no look at all"), [] as [i32; 0]);
    }

    #[test]
    fn an_error_ends_it() {
        let failed: Result<()> = widen(1, 100, |k| if k > 1 { Err(Error::Cancelled) } else { Ok(Look::TooFew(())) });
        assert!(failed.is_err());
    }

    proptest! {
        #[test]
        fn every_look_reaches_further_and_the_last_is_enough_or_all(first in 0usize..500, all in 0usize..5000, enough in 0usize..9000) {
            let looks = looks(first, all, enough);
            prop_assert!(looks.is_sorted_by(|a, b| a < b));
            let last = looks[looks.len() - 1];
            prop_assert!(last >= enough || last == all + 1);
            prop_assert!(looks[..looks.len() - 1].iter().all(|k| *k < enough && 4 * k <= all.max(4)));
        }
    }
}
