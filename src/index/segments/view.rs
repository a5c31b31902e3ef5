//! One state of the index that never changes: what a search reads from beginning to end.

use std::sync::Arc;

use half::f16;
use half::slice::{HalfBitsSliceExt, HalfFloatSliceExt};
use rayon::prelude::*;
use roaring::RoaringBitmap;

use super::codes::{CodedQuery, Codes, ScoringBuffers};
use super::live::Block;
use super::segment::Segment;
use super::walk::{Best, Pool};
use crate::index::kernel::Kernel;
use crate::index::{Found, Neighbour, Plan, closest_first};
use crate::paper::Row;

/// A walk's pool is kept in order, which costs the square of its size; scoring every row costs their number. They break even
/// about where the square is so many times the number.
const SQUARE_A_ROW: usize = 16;

/// Whether scoring all of `n` rows is quicker than a walk that keeps `ef` in sight.
fn is_wide(ef: usize, n: usize) -> bool {
    4 * ef > n || ef.saturating_mul(ef) > SQUARE_A_ROW * n
}

/// Rows a thread scores at a time; below two such blocks one thread does it all.
const BLOCK: usize = 16_384;

/// Rows scored in one call of the kernel.
const PIECE: usize = 1024;

/// Segments, what is not frozen yet, and the rows that are gone.
#[derive(Default, Clone)]
pub struct View {
    /// Frozen.
    pub segments: Vec<Arc<Segment>>,
    /// Being frozen.
    pub sealed: Vec<Arc<Block>>,
    /// What came last.
    pub live: Vec<Arc<Block>>,
    /// Rows that stand in a segment or block and cannot be found any more.
    pub dead: Arc<RoaringBitmap>,
    /// Rows that can be found.
    pub len: usize,
}

/// A segment or a block.
#[derive(Clone, Copy)]
pub enum Part<'a> {
    /// Frozen.
    Segment(&'a Segment),
    /// Not yet.
    Block(&'a Block),
}

impl<'a> Part<'a> {
    /// The row at each place.
    pub fn rows(self) -> &'a [u32] {
        match self {
            Part::Segment(s) => &s.rows,
            Part::Block(b) => &b.rows,
        }
    }

    /// The codes, by place.
    pub fn codes(self) -> Codes<'a> {
        match self {
            Part::Segment(s) => s.codes(),
            Part::Block(b) => b.codes(),
        }
    }

    /// The vector at a place, as the bits of half-precision numbers.
    pub fn vector(self, place: u32) -> &'a [u16] {
        match self {
            Part::Segment(s) => s.vector(place),
            Part::Block(b) => b.vector(place),
        }
    }

    /// Where a row stands.
    pub fn place(self, row: u32) -> Option<u32> {
        match self {
            Part::Segment(s) => s.place(row),
            Part::Block(b) => b.place(row),
        }
    }

    fn range(self) -> std::ops::RangeInclusive<u32> {
        match self {
            Part::Segment(s) => s.range(),
            Part::Block(b) => b.rows.first().copied().unwrap_or(1)..=b.rows.last().copied().unwrap_or(0),
        }
    }
}

/// What is asked of a view.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// Unit length.
    pub query: &'a [f32],
    /// How many.
    pub k: usize,
    /// Among which rows; all without.
    pub allowed: Option<&'a RoaringBitmap>,
    /// Allowed rows whose scoring costs as much as one more place in sight of a walk under a filter.
    pub rows_a_step: usize,
    /// For the neighbours of a row that is here: its part and place. It is not among them.
    pub from: Option<(usize, u32)>,
}

/// Room to work in, one a thread.
#[derive(Default)]
pub struct Scratch {
    pool: Pool,
    best: Best,
    room: ScoringBuffers,
    list: Vec<u32>,
    found: Vec<(f32, u32, u32)>,
}

thread_local! {
    static SCRATCH: std::cell::Cell<Option<Box<Scratch>>> = const { std::cell::Cell::new(None) };
}

/// Lends the thread's scratch. It is taken out meanwhile: a thread that waits for others may begin another search.
fn with_scratch<T>(f: impl FnOnce(&mut Scratch) -> T) -> T {
    let mut scratch = SCRATCH.take().unwrap_or_default();
    let out = f(&mut scratch);
    SCRATCH.set(Some(scratch));
    out
}

impl View {
    /// All segments and blocks.
    pub fn parts(&self) -> impl Iterator<Item = Part<'_>> {
        let segments = self.segments.iter().map(|s| Part::Segment(s));
        segments.chain(self.sealed.iter().chain(&self.live).map(|b| Part::Block(b)))
    }

    /// Whether a row stands somewhere, dead or not.
    pub fn holds(&self, row: u32) -> bool {
        self.parts().any(|part| part.place(row).is_some())
    }

    /// Rows that can be found.
    pub fn rows(&self) -> RoaringBitmap {
        let mut rows = RoaringBitmap::new();
        for part in self.parts() {
            let mut sorted = part.rows().to_vec();
            sorted.sort_unstable();
            rows |= sorted.into_iter().collect::<RoaringBitmap>();
        }
        rows - &*self.dead
    }

    /// The vector of a row that can be found.
    pub fn vector(&self, row: u32) -> Option<Vec<f32>> {
        if self.dead.contains(row) {
            return None;
        }
        let halves = self.parts().find_map(|part| Some(part.vector(part.place(row)?)))?;
        Some(numbers(halves))
    }

    /// The closest rows; `ef` says how far to look in a segment.
    pub fn search(&self, asked: Asked<'_>, ef: impl Fn(&Segment) -> usize) -> Found {
        // Nobody gets more than there is, whatever a page number multiplied to.
        let asked = Asked { k: asked.k.min(self.len), ..asked };
        if asked.k == 0 {
            return Found { neighbours: Vec::new(), plan: Plan::Exact };
        }
        with_scratch(|scratch| {
            let coded = CodedQuery::new(asked.query, super::codes::stride(asked.query.len()));
            let mut plan = Plan::Exact;
            scratch.found.clear();
            for (number, part) in self.parts().enumerate() {
                let walked = match part {
                    Part::Segment(s) => self.walk((number, s), &coded, asked, ef(s), scratch),
                    Part::Block(_) => None,
                };
                let at = |(score, place): (f32, u32)| (score, number as u32, place);
                match walked {
                    Some(walked) => {
                        plan = if plan == Plan::Exact { walked } else { plan };
                        scratch.found.extend(scratch.pool.closest().map(at));
                    }
                    None => {
                        self.scan((number, part), &coded, asked, scratch);
                        scratch.found.extend(scratch.best.closest().map(at));
                    }
                }
            }
            Found { neighbours: self.score_again(asked, plan, &mut scratch.found), plan }
        })
    }

    /// The best few scored with their full vectors.
    fn score_again(&self, asked: Asked<'_>, plan: Plan, found: &mut Vec<(f32, u32, u32)>) -> Vec<Neighbour> {
        let few = if plan == Plan::Exact { 4 * asked.k + 64 } else { 2 * asked.k + 8 };
        if found.len() > few {
            found.select_nth_unstable_by(few - 1, |a, b| b.0.total_cmp(&a.0));
            found.truncate(few);
        }
        let (kernel, parts) = (Kernel::best(), self.parts().collect::<Vec<_>>());
        for (_, part, place) in found.iter() {
            let vector = parts[*part as usize].vector(*place);
            for line in (0..vector.len()).step_by(32) {
                Kernel::prefetch(vector, line);
            }
        }
        let mut neighbours: Vec<Neighbour> = found
            .iter()
            .map(|(_, part, place)| {
                let part = parts[*part as usize];
                let score = kernel.f16(asked.query, part.vector(*place));
                Neighbour { row: Row(part.rows()[*place as usize]), score }
            })
            .collect();
        neighbours.sort_unstable_by(closest_first);
        neighbours.truncate(asked.k);
        neighbours
    }

    /// Walks the graph of a segment and leaves what it found in the pool. `None` when scoring every row is quicker, or when
    /// the walk came back with too few.
    fn walk(
        &self,
        (number, segment): (usize, &Segment),
        coded: &CodedQuery,
        asked: Asked<'_>,
        ef: usize,
        scratch: &mut Scratch,
    ) -> Option<Plan> {
        let own = asked.from.filter(|(part, _)| *part == number).map(|(_, place)| place);
        let (n, graph, codes) = (segment.len(), segment.graph(), segment.codes());
        let ef = ef.max(asked.k + asked.k / 2);
        if is_wide(ef, n) {
            return None;
        }
        let dead = segment.count(&self.dead);
        let live = n.saturating_sub(dead);
        let may = |row: u32| asked.allowed.is_none_or(|a| a.contains(row)) && (dead == 0 || !self.dead.contains(row));
        let at = |place: u32| own != Some(place) && segment.rows.get(place as usize).is_some_and(|row| may(*row));
        let Scratch { pool, room, .. } = scratch;
        let plan = match asked.allowed {
            None => {
                // So much further that, without the dead, as many are left.
                let further = (ef as f64 * n as f64 / live.max(1) as f64) as usize;
                if is_wide(further, n) {
                    return None;
                }
                match own {
                    Some(place) => graph.search_from(codes, coded, place, further, pool, room),
                    None => graph.search(codes, coded, further, pool, room),
                }
                if dead > 0 || own.is_some() {
                    pool.keep(at);
                    if pool.len() < asked.k {
                        // The dead lie where the query points: step over them.
                        graph.search_allowed(codes, coded, ef, (at, live as f64 / n as f64), pool, room);
                    }
                }
                Plan::Hnsw
            }
            Some(allowed) => {
                let count = segment.count(allowed);
                let share = count as f64 / n as f64;
                let further = segment.manifest.recall_profile.ef_under(share, ef)?.max(asked.k + asked.k / 2);
                if count < asked.rows_a_step * further || is_wide(further, n) {
                    return None;
                }
                graph.search_allowed(codes, coded, further, (at, share), pool, room);
                Plan::Filtered
            }
        };
        if pool.len() < asked.k {
            return None;
        }
        for place in segment.manifest.unlinked.iter().filter(|p| at(**p)) {
            pool.offer(codes.score(coded, *place), *place);
        }
        Some(plan)
    }

    /// Scores every allowed row of a part and leaves the best in the scratch.
    fn scan(&self, (number, part): (usize, Part<'_>), coded: &CodedQuery, asked: Asked<'_>, scratch: &mut Scratch) {
        let Scratch { best, room, list, .. } = scratch;
        let (codes, rows, most) = (part.codes(), part.rows(), 4 * asked.k + 64);
        let dead = self.dead.range_cardinality(part.range()) > 0;
        let own = asked.from.filter(|(n, _)| *n == number).map(|(_, place)| rows[place as usize]);
        let may = |row: u32| !(dead && self.dead.contains(row)) && own != Some(row);
        list.clear();
        match asked.allowed {
            None => list.extend((0..rows.len() as u32).filter(|p| may(rows[*p as usize]))),
            Some(a) if a.range_cardinality(part.range()) > rows.len() as u64 => {
                list.extend((0..rows.len() as u32).filter(|p| a.contains(rows[*p as usize]) && may(rows[*p as usize])));
            }
            Some(a) => list.extend(a.range(part.range()).filter(|row| may(*row)).filter_map(|row| part.place(row))),
        }
        best.reset(most);
        let score = |list: &[u32], best: &mut Best, room: &mut ScoringBuffers| {
            for piece in list.chunks(PIECE) {
                codes.scores(coded, piece, &mut room.products, &mut room.scores);
                room.scores.iter().zip(piece).for_each(|(score, place)| best.offer(*score, *place));
            }
        };
        if list.len() < 2 * BLOCK {
            return score(list, best, room);
        }
        let mut blocks: Vec<Best> = list
            .par_chunks(BLOCK)
            .map(|list| {
                let (mut best, mut room) = (Best::default(), ScoringBuffers::default());
                best.reset(most);
                score(list, &mut best, &mut room);
                best
            })
            .collect();
        blocks.iter_mut().flat_map(Best::closest).for_each(|(score, place)| best.offer(score, place));
    }

    /// The truth: every allowed row scored with its full vector.
    pub fn search_exactly(&self, query: &[f32], k: usize, allowed: Option<&RoaringBitmap>) -> Found {
        let kernel = Kernel::best();
        let may = |row: u32| !self.dead.contains(row) && allowed.is_none_or(|a| a.contains(row));
        let mut neighbours: Vec<Neighbour> = Vec::new();
        for part in self.parts() {
            let rows = part.rows();
            let score = |place: usize| {
                may(rows[place])
                    .then(|| Neighbour { row: Row(rows[place]), score: kernel.f16(query, part.vector(place as u32)) })
            };
            neighbours.par_extend((0..rows.len()).into_par_iter().with_min_len(BLOCK / 4).filter_map(score));
        }
        if k > 0 && k < neighbours.len() {
            neighbours.select_nth_unstable_by(k - 1, closest_first);
        }
        neighbours.truncate(k);
        neighbours.sort_unstable_by(closest_first);
        Found { neighbours, plan: Plan::Exact }
    }

    /// The `k` nearest of the row that stands at a place of a part, itself left out.
    pub fn neighbours_of(&self, from: (usize, u32), k: usize, ef: impl Fn(&Segment) -> usize) -> Vec<Neighbour> {
        let Some(home) = self.parts().nth(from.0) else { return Vec::new() };
        let query = numbers(home.vector(from.1));
        self.search(Asked { query: &query, k, allowed: None, rows_a_step: 0, from: Some(from) }, ef).neighbours
    }
}

/// The numbers that bits of half precision stand for, converted as many at a time as the processor can.
pub fn numbers(halves: &[u16]) -> Vec<f32> {
    let halves: &[f16] = halves.reinterpret_cast();
    let mut numbers = vec![0.0; halves.len()];
    halves.convert_to_f32_slice(&mut numbers);
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_at_a_time_are_converted_as_one_by_one() {
        let all: Vec<u16> = (0..=u16::MAX).filter(|h| f16::from_bits(*h).is_finite()).collect();
        for length in [0, 1, 7, 384, all.len()] {
            let one_by_one = all[..length].iter().map(|h| f16::from_bits(*h).to_f32().to_bits());
            assert!(numbers(&all[..length]).iter().map(|x| x.to_bits()).eq(one_by_one), "{length}");
        }
    }
}
