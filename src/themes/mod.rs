//! Themes of a corpus: what it is about, at several levels that nest, with names, a map and a memory.
//!
//! Pure arithmetic over neighbour lists, phrases, places and weeks; no input or output. Papers are numbers from 0 on.
//!
//! [`levels::group`] puts papers into themes ([`leiden`] finds the communities), [`names::name_all`] names them,
//! [`cut`] chooses about so many of them, [`layout`] draws the map and [`labels`] writes on it, [`lineage::compare`]
//! says what became of yesterday's themes, and [`trend::trends`] which of them rise.

pub mod cut;
pub mod graph;
pub mod labels;
pub mod language;
pub mod layout;
pub mod leiden;
pub mod levels;
pub mod lineage;
pub mod names;
pub mod text;
pub mod trend;

use fastrand::Rng;

/// The numbers 0 to `n` - 1 in a random order.
fn random_order(random: &mut Rng, n: usize) -> Vec<u32> {
    let mut order: Vec<u32> = (0..n as u32).collect();
    random.shuffle(&mut order);
    order
}

#[cfg(test)]
mod tests;
