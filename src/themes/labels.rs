//! Writing on the map: names that do not cover each other, at every zoom level, and the regions they name.

use super::layout::Place;

/// Pixels that the whole map is wide at zoom 0; every further zoom doubles it.
pub const WIDTH: f32 = 1200.0;

/// The deepest zoom that names are placed for.
pub const DEEPEST: usize = 5;

/// A name that wants to stand somewhere.
#[derive(Debug, Clone)]
pub struct Wish<'a> {
    /// The name.
    pub name: &'a str,
    /// The middle of what it names.
    pub at: Place,
    /// Papers: greater ones choose first.
    pub size: usize,
}

/// A name that has a place: the middle of its box and the box's sides, in units of the map.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Label {
    /// Which wish.
    pub wish: usize,
    /// The size of the letters, in pixels.
    pub letters: f32,
    /// The middle.
    pub at: Place,
    /// The width of the box.
    pub width: f32,
    /// The height of the box.
    pub height: f32,
}

impl Label {
    /// Whether two boxes share any ground.
    pub fn covers(&self, other: &Label) -> bool {
        let apart = |k: usize, a: f32, b: f32| (self.at[k] - other.at[k]).abs() >= (a + b) / 2.0;
        !apart(0, self.width, other.width) && !apart(1, self.height, other.height)
    }
}

/// The level of themes whose names are written at a zoom: coarse ones from afar, the finest from near by.
pub fn level_at(zoom: usize, finest: usize) -> usize {
    zoom.min(finest)
}

/// The size of the letters of names of the level that belongs to a zoom, in pixels.
pub const LETTERS: f32 = 17.0;

/// The size of the letters of names one level finer, which fill the room between.
pub const SMALL_LETTERS: f32 = 11.5;

/// The longest line of a label, in letters; longer names are cut.
pub const LONGEST: usize = 44;

/// The name as it is written on the map.
pub fn written(name: &str) -> String {
    if name.chars().count() <= LONGEST {
        return name.to_string();
    }
    // At the end of a term or a word, where there is one.
    let head: String = name.chars().take(LONGEST - 1).collect();
    let cut = head.rfind(", ").filter(|k| *k > 0).or_else(|| head.rfind(' ').filter(|k| *k > 0)).unwrap_or(head.len());
    format!("{}…", &head[..cut])
}

/// Places for as many names as there is room for at a zoom, beside those that are `taken`, on a map between two corners;
/// greater themes first. None covers another or reaches over the edge. A name stands over its theme, or a little above,
/// below or beside.
pub fn place(wishes: &[Wish<'_>], letters: f32, zoom: usize, corners: &[Place; 2], taken: &[Label]) -> Vec<Label> {
    let unit = extent(corners) / (WIDTH * (1u32 << zoom.min(DEEPEST)) as f32);
    let mut order: Vec<usize> = (0..wishes.len()).collect();
    order.sort_by(|a, b| wishes[*b].size.cmp(&wishes[*a].size).then(a.cmp(b)));
    let mut placed: Vec<Label> = Vec::new();
    for wish in order {
        let w = &wishes[wish];
        let height = letters * 1.3 * unit;
        let width = written(w.name).chars().count() as f32 * letters * 0.58 * unit + height / 2.0;
        let shifts = [(0.0, 0.0), (0.0, 1.1), (0.0, -1.1), (0.35, 0.0), (-0.35, 0.0), (0.0, 2.2), (0.0, -2.2)];
        let free = shifts.iter().find_map(|(dx, dy)| {
            let inside = |k: usize, at: f32, side: f32| {
                let (low, high) = (corners[0][k] + side / 2.0, corners[1][k] - side / 2.0);
                if low < high { at.clamp(low, high) } else { (low + high) / 2.0 }
            };
            let at = [inside(0, w.at[0] + dx * width, width), inside(1, w.at[1] + dy * height, height)];
            let label = Label { wish, letters, at, width, height };
            (!taken.iter().chain(&placed).any(|p| p.covers(&label))).then_some(label)
        });
        placed.extend(free);
    }
    placed
}

/// The middle of some places: the median in both directions, which outliers do not move.
pub fn middle(places: &[Place]) -> Option<Place> {
    let median = |k: usize| {
        let mut values: Vec<f32> = places.iter().map(|p| p[k]).collect();
        let half = values.len() / 2;
        (!values.is_empty()).then(|| *values.select_nth_unstable_by(half, f32::total_cmp).1)
    };
    Some([median(0)?, median(1)?])
}

/// The outline of a theme: the convex hull of the four fifths of its places that are nearest to the middle, corners in
/// order.
pub fn region(places: &[Place]) -> Vec<Place> {
    let Some(middle) = middle(places) else { return Vec::new() };
    let far = |p: &Place| (p[0] - middle[0]).powi(2) + (p[1] - middle[1]).powi(2);
    let mut near = places.to_vec();
    near.sort_by(|a, b| far(a).total_cmp(&far(b)).then(a[0].total_cmp(&b[0])).then(a[1].total_cmp(&b[1])));
    near.truncate((places.len() * 4).div_ceil(5));
    hull(near)
}

/// The convex hull (Andrew's monotone chain, 1979).
fn hull(mut points: Vec<Place>) -> Vec<Place> {
    points.sort_by(|a, b| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])));
    points.dedup();
    if points.len() < 3 {
        return points;
    }
    let turn = |o: Place, a: Place, b: Place| (a[0] - o[0]) * (b[1] - o[1]) - (a[1] - o[1]) * (b[0] - o[0]);
    let half = |points: &mut dyn Iterator<Item = Place>| {
        let mut chain: Vec<Place> = Vec::new();
        for p in points {
            while chain.len() >= 2 && turn(chain[chain.len() - 2], chain[chain.len() - 1], p) <= 0.0 {
                chain.pop();
            }
            chain.push(p);
        }
        chain.pop();
        chain
    };
    let mut lower = half(&mut points.iter().copied());
    lower.extend(half(&mut points.iter().rev().copied()));
    lower
}

/// The longer side of a map between two corners.
pub fn extent(corners: &[Place; 2]) -> f32 {
    (corners[1][0] - corners[0][0]).max(corners[1][1] - corners[0][1]).max(1e-3)
}

/// Cells across the map that show one paper each at zoom 0.
const CELLS: u32 = 128;

/// For every place the zoom from which on it is shown: at each zoom the ground is parted into cells, and a cell shows
/// the first place that falls into it, so that a view from afar is an even sample of what is there.
pub fn zoom_levels(places: &[Place], low: Place, extent: f32) -> Vec<u8> {
    use std::collections::HashSet;
    let mut out = vec![DEEPEST as u8 + 1; places.len()];
    for zoom in 0..=DEEPEST {
        let cells = (CELLS << zoom) as f32;
        let cell = |p: &Place| {
            let at = |k: usize| ((p[k] - low[k]) / extent.max(f32::MIN_POSITIVE) * cells) as i32;
            (at(0), at(1))
        };
        let mut taken: HashSet<(i32, i32)> =
            places.iter().zip(&out).filter(|(_, z)| usize::from(**z) < zoom).map(|(p, _)| cell(p)).collect();
        for (p, z) in places.iter().zip(&mut out) {
            if usize::from(*z) > DEEPEST && taken.insert(cell(p)) {
                *z = zoom as u8;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_label_covers_another(at in prop::collection::vec((0f32..20.0, 0f32..20.0, 1usize..500, "[a-z ]{1,60}"), 0..40), zoom in 0usize..6) {
            let wishes: Vec<Wish<'_>> = at.iter().map(|(x, y, size, name)| Wish { name, at: [*x, *y], size: *size }).collect();
            let mut labels = place(&wishes, LETTERS, zoom, &[[0.0, 0.0], [20.0, 20.0]], &[]);
            labels.extend(place(&wishes, SMALL_LETTERS, zoom, &[[0.0, 0.0], [20.0, 20.0]], &labels));
            prop_assert_eq!(labels.is_empty(), wishes.is_empty());
            for k in 0..labels.len() {
                for l in 0..k {
                    prop_assert!(!labels[k].covers(&labels[l]));
                }
            }
        }

        #[test]
        fn a_hull_holds_its_points(points in prop::collection::vec((-9f32..9.0, -9f32..9.0), 3..40)) {
            let points: Vec<Place> = points.into_iter().map(|(x, y)| [x, y]).collect();
            let hull = hull(points.clone());
            for p in &points {
                for k in 0..hull.len() {
                    let (a, b) = (hull[k], hull[(k + 1) % hull.len()]);
                    let turn = (b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0]);
                    prop_assert!(hull.len() < 3 || turn >= -1e-3);
                }
            }
        }
    }

    #[test]
    fn nearer_views_show_more() {
        let mut random = fastrand::Rng::with_seed(1);
        let places: Vec<Place> = (0..30_000).map(|_| [random.f32(), random.f32()]).collect();
        let zooms = zoom_levels(&places, [0.0, 0.0], 1.0);
        let shown = |zoom: u8| zooms.iter().filter(|z| **z <= zoom).count();
        let most = (CELLS * CELLS) as usize;
        assert!(shown(0) > most / 2 && shown(0) <= most && shown(1) > shown(0));
        assert!(shown(DEEPEST as u8) > 29_000);
        let same = vec![[0.5, 0.5]; 10];
        assert_eq!(zoom_levels(&same, [0.0, 0.0], 1.0).iter().filter(|z| usize::from(**z) <= DEEPEST).count(), 1);
    }

    #[test]
    fn long_names_are_cut_at_a_word() {
        assert_eq!(written("Short"), "Short");
        let cut = written("A very long name of a theme, with a second term that is too long");
        assert!(cut.chars().count() <= LONGEST && cut.ends_with('…') && !cut.contains("second term that"));
    }
}
