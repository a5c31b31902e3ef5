use roaring::RoaringBitmap;

use super::{Fixture, Kind, MODEL, model, titled, user, vector};
use crate::error::Error;
use crate::paper::Paper;

pub fn vectors_come_back_to_the_last_bit(kind: Kind) {
    let store = Fixture::new(kind);
    let (a, b, none) = (titled("a", "One"), titled("b", "Two"), titled("c", "Three"));
    let odd = [f32::MIN_POSITIVE / 3.0, -0.0];
    store.put_papers(&[(&a, Some(&odd)), (&b, Some(&[1.0 / 3.0, f32::MAX]))], MODEL).expect("written");
    let store = store.reopened();
    let found = store.known_vectors(&model(MODEL), &[&b, &none, &a]).expect("read");
    assert_eq!(found[0], Some(vec![1.0 / 3.0, f32::MAX]));
    assert_eq!(found[1], None);
    let bits: Vec<u32> = found[2].iter().flatten().map(|x| x.to_bits()).collect();
    assert_eq!(bits, odd.map(f32::to_bits));
    // Another model has none of them, and its own beside.
    assert_eq!(store.known_vectors(&model("other"), &[&a]).expect("read"), [None]);
    store.put_vectors(&model("other"), &[(&a, vec![0.6, 0.8]), (&none, vec![1.0, 0.0])]).expect("written");
    store.put_vectors(&model("other"), &[(&a, vec![0.0, 0.0])]).expect("written");
    let found = store.known_vectors(&model("other"), &[&a, &none]).expect("read");
    assert_eq!(
        found,
        [Some(vec![0.6, 0.8]), None],
        "one that is there stays; of a text that nobody holds none is kept"
    );
    assert_eq!(store.current_model().expect("read"), Some(model(MODEL)));
    let moved = crate::store::StoredModel { source: "elsewhere".into(), ..model("other") };
    store.set_current_model(&moved).expect("written");
    let store = store.reopened();
    assert_eq!(store.current_model().expect("read"), Some(moved));
    assert_eq!(store.known_vectors(&model(MODEL), &[&a]).expect("read").len(), 1, "those of before stay");
    // What is not a vector of the model is told, and not answered.
    store.put_papers(&[(&none, Some(&[f32::NAN, 0.0]))], MODEL).expect("written");
    assert!(matches!(store.known_vectors(&model(MODEL), &[&none]), Err(Error::Data(why)) if why.contains("\"c\"")));
    let all = store.rows_of_all().expect("read");
    assert!(matches!(store.vectors_of(&model(MODEL), &all, &mut |_, _| Ok(())), Err(Error::Data(_))));
}

pub fn texts_share_vectors(kind: Kind) {
    let store = Fixture::new(kind);
    let (a, b) = (titled("a", "Same"), titled("b", "Same"));
    store.put(&[a.clone(), b.clone()]);
    store.put_library_papers(&user("ada"), &[(&titled("z", "Same"), &[0.0, 1.0])], MODEL).expect("written");
    let known = |p: &Paper| store.known_vectors(&model(MODEL), &[p]).expect("read").remove(0);
    assert_eq!(known(&a), Some(vector(&a).to_vec()), "the one that was there");
    store.delete("a");
    assert_eq!(known(&a), Some(vector(&a).to_vec()), "b has it still");
    store.delete("b");
    assert!(known(&b).is_some(), "a library has it still");
    let ada = store.user("ada").expect("there").number;
    store.remove_library_paper(ada, "z").expect("removed");
    assert_eq!(known(&b), None);
}

pub fn rows_give_their_vectors_in_order(kind: Kind) {
    let store = Fixture::new(kind);
    let papers: Vec<Paper> = (0..60).map(|k| titled(&format!("p{k}"), &format!("T{}", k * 7 % 60))).collect();
    store.put(&papers);
    let gone = store.delete("p30").expect("there");
    let all = store.rows_of_all().expect("read");
    // Many and few of them; rows that are gone and never were are passed over.
    for wanted in
        [all.clone(), all.iter().step_by(13).collect(), RoaringBitmap::from_iter([gone.0, 5_000]), RoaringBitmap::new()]
    {
        let wanted = wanted | RoaringBitmap::from_iter([gone.0]);
        let mut seen = Vec::new();
        store
            .vectors_of(&model(MODEL), &wanted, &mut |row, v| {
                seen.push((row, v.to_vec()));
                Ok(())
            })
            .expect("read");
        let expected: Vec<_> = papers
            .iter()
            .filter(|p| p.id.as_str() != "p30")
            .map(|p| (store.row(p.id.as_str()), vector(p).to_vec()))
            .filter(|(row, _)| wanted.contains(row.0))
            .collect();
        assert_eq!(seen, expected);
    }
    assert!(store.vectors_of(&model("other"), &all, &mut |_, _| panic!("it has none")).is_ok());
    let mut seen = 0;
    let stopped = store.vectors_of(&model(MODEL), &all, &mut |_, _| {
        seen += 1;
        if seen == 3 { Err(Error::Cancelled) } else { Ok(()) }
    });
    assert!(matches!(stopped, Err(Error::Cancelled)) && seen == 3);
    assert_eq!(store.count_papers().expect("reads on"), 59);
}

pub fn what_lacks_a_vector_is_found(kind: Kind) {
    let store = Fixture::new(kind);
    let papers: Vec<Paper> = (0..7).map(|k| titled(&format!("p{k}"), &format!("T{k}"))).collect();
    store.put(&papers);
    let (own, other) = (model(MODEL), model("other"));
    assert_eq!(
        (store.count_without_vector(&own).expect("read"), store.count_without_vector(&other).expect("read")),
        (0, 7)
    );
    store.put_vectors(&other, &[(&papers[2], vec![0.0, 1.0]), (&papers[5], vec![0.0, 1.0])]).expect("written");
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let piece = store.papers_without_vector(&other, after, 2).expect("read");
        let Some((last, _)) = piece.last() else { break };
        after = Some(*last);
        seen.extend(piece.into_iter().map(|(_, p)| p.id.to_string()));
    }
    assert_eq!(seen, ["p0", "p1", "p3", "p4", "p6"]);
    assert_eq!(store.count_without_vector(&other).expect("read"), 5);
    assert!(store.papers_without_vector(&own, None, usize::MAX).expect("read").is_empty());
}
