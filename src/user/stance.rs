//! Where a reader stands on a paper: what the marks beside it show, what a press of one comes to, and how a no is taken back. No input
//! or output.

use super::{EventKind, Moment};

/// An event on a paper: what, when, and how much it counts beside others of its kind.
pub type Deed = (EventKind, Moment, f32);

/// Where a reader stands on a paper, from all of their events on it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stance {
    /// They liked it, and have said nothing else since.
    pub liked: bool,
    /// They saved it, and have neither taken that back nor turned the paper down since.
    pub saved: bool,
    /// Their last verdict is this dislike or dismissal.
    pub against: Option<EventKind>,
    /// They looked at it or opened it.
    pub viewed: bool,
    /// When the last verdict was that stands; none where none does.
    pub at: Option<Moment>,
}

impl Stance {
    /// What some events come to, in whatever order they are.
    pub fn of(events: &[Deed]) -> Self {
        let verdicts = verdicts(&ordered(events));
        let last = verdicts.last();
        let against = last.map(|v| v.0).filter(|kind| is_no(*kind));
        let but_saves = verdicts.iter().rfind(|v| v.0 != EventKind::Save);
        Stance {
            liked: against.is_none() && but_saves.is_some_and(|v| v.0 == EventKind::Like),
            saved: against.is_none() && verdicts.iter().any(|v| v.0 == EventKind::Save),
            against,
            viewed: events.iter().any(|e| matches!(e.0, EventKind::View | EventKind::Click)),
            at: last.map(|v| v.1),
        }
    }
}

/// What takes a no back, from `now` on: every dislike and dismissal is gone, and the like or save that was said beside them stands
/// again. Nothing where the last verdict is none against the paper.
pub fn taking_back(events: &[Deed], now: Moment) -> Vec<Deed> {
    let verdicts = verdicts(&ordered(events));
    if !verdicts.last().is_some_and(|v| is_no(v.0)) {
        return Vec::new();
    }
    let mut at = after(events, now);
    let mut out = vec![(EventKind::Clear, at, 1.0)];
    // Of each kind the last, in their order.
    let is_last = |k: usize| verdicts[k + 1..].iter().all(|later| later.0 != verdicts[k].0);
    for (k, (kind, _, weight)) in verdicts.iter().enumerate() {
        if !is_no(*kind) && is_last(k) {
            at.0 = at.0.saturating_add(1);
            out.push((*kind, at, *weight));
        }
    }
    out
}

/// What a reader wants to be so of a paper. Whoever says it twice, from two windows or after a lost answer, has said it once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Press {
    /// More like this.
    Like,
    /// No like; a save stays.
    Unlike,
    /// To keep it.
    Save,
    /// Not to keep it; a like stays.
    Unsave,
    /// Less like this.
    Dislike,
    /// Not this again.
    Dismiss,
    /// No no any more ([`taking_back`]).
    Undo,
    /// To have opened it.
    Open,
}

/// What leads there, from `now` on and behind all that was said; nothing where it is so already. A like or a save after a no stands
/// alone.
pub fn pressed(events: &[Deed], press: Press, now: Moment) -> Vec<Deed> {
    use EventKind::{Clear, Click, Dislike, Dismiss, Like, Save, Unsave};
    let stance = Stance::of(events);
    let no = stance.against.is_some();
    let is_so = match press {
        Press::Like => stance.liked,
        Press::Unlike => !stance.liked,
        Press::Save => stance.saved,
        Press::Unsave => !stance.saved,
        Press::Dislike => stance.against == Some(Dislike),
        Press::Dismiss => stance.against == Some(Dismiss),
        Press::Undo => !no,
        Press::Open => stance.viewed,
    };
    let kinds = match press {
        _ if is_so => Vec::new(),
        Press::Undo => return taking_back(events, now),
        Press::Like if no => vec![Clear, Like],
        Press::Like => vec![Like],
        Press::Unlike if stance.saved => vec![Clear, Save],
        Press::Unlike => vec![Clear],
        Press::Save if no => vec![Clear, Save],
        Press::Save => vec![Save],
        Press::Unsave => vec![Unsave],
        Press::Dislike => vec![Dislike],
        Press::Dismiss => vec![Dismiss],
        Press::Open => vec![Click],
    };
    // One after the other: at the same moment a dislike would win whatever came last.
    let first = after(events, now);
    (0..).zip(kinds).map(|(k, kind)| (kind, Moment(first.0.saturating_add(k)), 1.0)).collect()
}

/// The first moment from `now` on that lies behind some events: what is done then counts as the last.
pub fn after(events: &[Deed], now: Moment) -> Moment {
    events.iter().map(|(_, at, _)| Moment(at.0.saturating_add(1))).fold(now, Moment::max)
}

/// Events in the order in which they count: by time, at one moment a dislike behind a dismissal, and that behind a like or save.
pub(super) fn ordered(events: &[Deed]) -> Vec<Deed> {
    let rank = |kind: EventKind| match kind {
        EventKind::Dislike => 3,
        EventKind::Dismiss => 2,
        EventKind::Like | EventKind::Save => 1,
        _ => 0,
    };
    let mut order = events.to_vec();
    order.sort_by_key(|&(kind, at, _)| (at, rank(kind), kind));
    order
}

/// The verdicts that stand of events in their order; the last counts.
pub(super) fn verdicts(order: &[Deed]) -> Vec<Deed> {
    let mut verdicts: Vec<Deed> = Vec::new();
    for event in order {
        match event.0 {
            EventKind::Unsave => verdicts.retain(|v| v.0 != EventKind::Save),
            EventKind::Clear => verdicts.clear(),
            EventKind::View | EventKind::Click => {}
            _ => verdicts.push(*event),
        }
    }
    verdicts
}

fn is_no(kind: EventKind) -> bool {
    matches!(kind, EventKind::Dislike | EventKind::Dismiss)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::user::opinion;

    fn deeds(events: &[(EventKind, i64)]) -> Vec<Deed> {
        events.iter().map(|&(kind, at)| (kind, Moment(at), 1.0)).collect()
    }

    #[test]
    fn a_like_and_a_save_stand_beside_each_other_and_a_no_before_both() {
        use EventKind::{Clear, Dislike, Dismiss, Like, Save, Unsave, View};
        let of = |events: &[(EventKind, i64)]| Stance::of(&deeds(events));
        let both = of(&[(Like, 1), (Save, 2)]);
        assert!(both.liked && both.saved && both.against.is_none() && !both.viewed);
        let liked = of(&[(Like, 1), (Save, 2), (Unsave, 3), (View, 4)]);
        assert!(liked.liked && !liked.saved && liked.viewed && liked.at == Some(Moment(1)));
        let no = of(&[(Like, 1), (Save, 2), (Dismiss, 3)]);
        assert_eq!((no.liked, no.saved, no.against, no.at), (false, false, Some(Dismiss), Some(Moment(3))));
        assert_eq!(of(&[(Dislike, 1), (Clear, 2)]), Stance::default());
        assert!(!of(&[(Dislike, 1), (Save, 2)]).liked && of(&[(Dislike, 1), (Save, 2)]).saved);
        assert_eq!(of(&[]), Stance::default());
    }

    #[test]
    fn what_is_wanted_becomes_so_and_is_said_once() {
        use EventKind::{Clear, Click, Dislike, Dismiss, Like, Save, Unsave, View};
        for (said, press, wanted) in [
            (&[][..], Press::Like, &[Like][..]),
            (&[Like], Press::Like, &[]),
            (&[Like], Press::Unlike, &[Clear]),
            (&[Like, Save], Press::Unlike, &[Clear, Save]),
            (&[Like, Save], Press::Unsave, &[Unsave]),
            (&[Dislike], Press::Like, &[Clear, Like]),
            (&[Dislike], Press::Dislike, &[]),
            (&[Dislike], Press::Dismiss, &[Dismiss]),
            (&[Like, Save], Press::Dislike, &[Dislike]),
            (&[Dislike], Press::Save, &[Clear, Save]),
            (&[Like, Dislike], Press::Undo, &[Clear, Like]),
            (&[Like], Press::Undo, &[]),
            (&[Like], Press::Open, &[Click]),
            (&[View], Press::Open, &[]),
        ] {
            let events: Vec<Deed> = (0..).zip(said).map(|(k, kind)| (*kind, Moment(100 + k), 1.0)).collect();
            let done = pressed(&events, press, Moment(50));
            assert_eq!(done.iter().map(|deed| deed.0).collect::<Vec<_>>(), wanted, "{said:?} {press:?}");
            // Also behind what is dated ahead of the clock.
            let last = events.iter().map(|deed| deed.1).max().unwrap_or(Moment(49));
            assert!(done.iter().all(|deed| deed.1 > last), "{done:?}");
            let all: Vec<Deed> = events.into_iter().chain(done).collect();
            assert!(pressed(&all, press, Moment(300)).is_empty(), "{said:?} {press:?} once more");
        }
    }

    #[test]
    fn what_was_said_before_a_no_stands_again_when_it_is_taken_back() {
        use EventKind::{Dislike, Dismiss, Like, Save};
        let mut events = deeds(&[(Save, 1), (Like, 2), (Dislike, 3), (Dismiss, 90)]);
        // Also of one that is dated ahead of the clock.
        let back = taking_back(&events, Moment(50));
        assert!(back.iter().all(|deed| deed.1 > Moment(90)), "{back:?}");
        events.extend(back);
        let now = Stance::of(&events);
        assert!(now.liked && now.saved && now.against.is_none());
        assert!(taking_back(&events, Moment(200)).is_empty(), "once is enough");
        assert!(taking_back(&deeds(&[(Like, 1)]), Moment(2)).is_empty());
    }

    proptest! {
        /// The marks say what the preference model is told.
        #[test]
        fn a_stance_is_the_opinion(kinds in prop::collection::vec((0usize..8, 0i64..6), 0..9)) {
            let events: Vec<Deed> = kinds.iter().map(|&(k, at)| (EventKind::ALL[k], Moment(at), 1.0)).collect();
            let (stance, opinion) = (Stance::of(&events), opinion(&events));
            let never = opinion.is_some_and(|o| o.never);
            prop_assert_eq!(stance.against.is_some(), never);
            let kept = opinion.is_some_and(|o| o.explicit && o.weight > 0.0);
            prop_assert_eq!(stance.liked || stance.saved, kept);
            let mut all = events.clone();
            all.extend(taking_back(&events, Moment(3)));
            prop_assert!(Stance::of(&all).against.is_none());
        }
    }
}
