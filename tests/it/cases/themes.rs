//! Cases of themes.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::input;
use crate::support::{Folder, Server};

/// The themes of a file, all levels.
fn themes_of(file: &str) -> Vec<Value> {
    let folder = Folder::new();
    assert_eq!(folder.run(&["ingest", file]).status, Some(0));
    folder.json(&["themes"])
}

fn texts(theme: &Value) -> Vec<String> {
    let terms = theme["terms"].as_array().expect("terms").iter();
    std::iter::once(&theme["name"]).chain(terms).map(|t| t.as_str().expect("a text").to_lowercase()).collect()
}

fn words(text: &str) -> Vec<&str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).collect()
}

#[test]
fn themes_other_languages() {
    let kind = "themes-other-languages";
    let list = std::fs::read_to_string(input(kind, "function-words.txt")).expect("a list");
    let function: HashSet<&str> = list.split_whitespace().collect();
    for (file, subjects) in [
        ("de.jsonl", ["borkenkäfer", "fahrplan", "milch"]),
        ("fr.jsonl", ["mer", "vin", "horaires"]),
        ("es.jsonl", ["olivo", "agua", "terremotos"]),
    ] {
        let themes = themes_of(&input(kind, file).display().to_string());
        assert!(themes.len() >= 3, "{file}: {themes:?}");
        let all: Vec<String> = themes.iter().flat_map(texts).collect();
        for text in &all {
            assert!(!words(text).iter().any(|w| function.contains(w)), "{file}: {text:?} in {all:?}");
        }
        // The subject itself is among the terms, or a piece of it is (the texts of a subject share few words).
        let found = subjects.iter().filter(|s| all.iter().any(|t| words(t).contains(s))).count();
        assert!(found >= 2, "{file}: {subjects:?} in {all:?}");
    }
}

/// Sentences of our own in more languages, and their function words.
const LANGUAGES: [(&str, [&str; 4], &str); 6] = [
    (
        "it",
        [
            "Le api della valle e i loro alveari sono contati con trappole che abbiamo costruito per l'inverno",
            "La salute delle api dipende dal polline e dall'acqua che si trovano nella valle in primavera",
            "I treni della notte sono in ritardo quando la neve copre i binari e gli scambi del valico",
            "L'orario dei treni viene calcolato con un modello che tiene conto della neve e dei guasti",
        ],
        "le della e i loro sono con che per la delle dal dall nella in si quando gli del un dei di il",
    ),
    (
        "pt",
        [
            "As abelhas do vale e as suas colmeias são contadas com armadilhas que foram feitas para o inverno",
            "A saúde das abelhas depende do pólen e da água que se encontram no vale durante a primavera",
            "Os comboios da noite atrasam-se quando a neve cobre os carris e as agulhas da serra",
            "O horário dos comboios é calculado com um modelo que tem em conta a neve e as avarias",
        ],
        "as do e suas são com que foram para o a das da se no os quando é um em dos",
    ),
    (
        "nl",
        [
            "De bijen van het dal en hun korven worden geteld met vallen die voor de winter zijn gebouwd",
            "De gezondheid van de bijen hangt af van het stuifmeel en het water dat in het dal te vinden is",
            "De nachttreinen zijn te laat wanneer de sneeuw op de rails en de wissels van de pas ligt",
            "De dienstregeling van de treinen wordt berekend met een model dat rekening houdt met de sneeuw",
        ],
        "de van het en hun worden met die voor zijn dat in te is wanneer op een wordt",
    ),
    (
        "pl",
        [
            "Pszczoły z doliny oraz ich ule są liczone za pomocą pułapek, które zbudowano na zimę",
            "Zdrowie pszczół zależy od pyłku i od wody, które można znaleźć w dolinie na wiosnę",
            "Nocne pociągi są opóźnione, kiedy śnieg leży na torach i na zwrotnicach przełęczy",
            "Rozkład jazdy pociągów jest obliczany za pomocą modelu, który bierze pod uwagę śnieg",
        ],
        "z oraz ich są za które na od i w kiedy jest który pod",
    ),
    (
        "sv",
        [
            "Bina i dalen och deras kupor räknas med fällor som har byggts för vintern",
            "Binas hälsa beror på pollen och på det vatten som finns i dalen under våren",
            "Nattågen är försenade när snön ligger på spåren och på växlarna vid passet",
            "Tidtabellen för tågen räknas ut med en modell som tar hänsyn till snön och till felen",
        ],
        "i och deras med som har för på det under är när vid en till",
    ),
    (
        "ru",
        [
            "Пчёлы долины и их ульи считаются с помощью ловушек, которые были построены для зимы",
            "Здоровье пчёл зависит от пыльцы и от воды, которые можно найти в долине весной",
            "Ночные поезда опаздывают, когда снег лежит на путях и на стрелках перевала",
            "Расписание поездов рассчитывается с моделью, которая учитывает снег и поломки",
        ],
        "и их с которые были для от в когда на которая",
    ),
];

/// Twenty papers on bees and twenty on trains.
fn corpus(language: &str, lines: &[&str; 4]) -> String {
    let paper = |k: usize| {
        let (a, b) = if k.is_multiple_of(2) { (lines[0], lines[1]) } else { (lines[2], lines[3]) };
        let (a, b) = if k % 4 < 2 { (a, b) } else { (b, a) };
        let title: Vec<&str> = a.split(' ').take(6 + k % 3).collect();
        json!({ "id": format!("{language}/{k}"), "title": format!("{} {k}", title.join(" ")), "abstract": format!("{a}. {b} {k}.") })
    };
    (0..40).map(|k| format!("{}\n", paper(k))).collect()
}

#[test]
fn themes_in_languages_of_our_own_choice() {
    let folder = Folder::new();
    for (language, lines, function) in &LANGUAGES {
        let function: HashSet<&str> = function.split_whitespace().collect();
        let file = folder.file(&format!("{language}.jsonl"), corpus(language, lines));
        let themes = themes_of(&file);
        assert!(themes.len() >= 2, "{language}: {themes:?}");
        for text in themes.iter().flat_map(texts) {
            assert!(!words(&text).iter().any(|w| function.contains(w)), "{language}: {text:?}");
        }
    }
}

#[test]
fn themes_of_a_corpus_in_several_languages() {
    let folder = Folder::new();
    let english = [
        "The corals of the reef and their algae are counted with cameras that we built for the storms",
        "The health of the corals depends on the light and on the salt that are found in the reef",
        "The corals of the reef and their algae are counted with cameras that we built for the storms",
        "The health of the corals depends on the light and on the salt that are found in the reef",
    ];
    let all: String = LANGUAGES
        .iter()
        .map(|(l, lines, _)| corpus(l, lines))
        .chain([corpus("en", &english)])
        .collect::<Vec<_>>()
        .concat();
    let themes = themes_of(&folder.file("all.jsonl", all));
    // "Dal" is a preposition in Italian and a valley in Dutch.
    let function: HashSet<&str> = LANGUAGES
        .iter()
        .flat_map(|l| l.2.split_whitespace())
        .chain(["the", "of", "are"])
        .filter(|w| *w != "dal")
        .collect();
    let all: Vec<String> = themes.iter().flat_map(texts).collect();
    for text in &all {
        assert!(!words(text).iter().any(|w| function.contains(w)), "{text:?} in {all:?}");
    }
    assert!(all.iter().any(|t| words(t).contains(&"corals")), "{all:?}");
}

#[test]
fn themes_versions() {
    let folder = Folder::new();
    folder.run(&["ingest", &input("themes-versions", "papers.jsonl").display().to_string()]);
    let server = Server::start(&folder);
    let list = server.get("/v1/themes?level=0").body;
    let sizes: u64 =
        list["themes"].as_array().expect("themes").iter().map(|t| t["size"].as_u64().expect("a size")).sum();
    assert!((10..=20).contains(&sizes), "{list}");
    assert_eq!(list["meta"]["papers"], 20);
    let work = |paper: &Value| {
        let id = paper["id"].as_str().expect("an id").to_string();
        let (work, version) = id.rsplit_once('v').expect("a version");
        (work.to_string(), version.to_string())
    };
    let mut seen = HashSet::new();
    for theme in list["themes"].as_array().expect("themes") {
        let one = server.get(&format!("/v1/themes/{}?limit=100", theme["id"].as_str().expect("an id"))).body;
        let papers = one["papers"].as_array().expect("papers");
        assert_eq!(papers.len() as u64, theme["size"].as_u64().expect("a size"));
        for paper in papers {
            let (work, version) = work(paper);
            assert_eq!(version, "7", "{paper}");
            assert!(seen.insert(work), "{paper} is there twice");
        }
    }
    let map = server.get("/v1/themes/map").body;
    assert_eq!(map["points"]["id"].as_array().map(Vec::len), Some(20));

    // A later version takes the place of the one before, and the work still counts once.
    let next = json!({ "id": "arxiv:2401.99100v8", "title": "oysters infected by bacteria in warm bays part 0",
        "abstract": "oysters infected by bacteria in warm bays number 0", "authors": ["Vera Sionne"], "date": "2024-02-01" });
    assert_eq!(server.post("/v1/papers", &next).status, 200);
    let map = server.get("/v1/themes/map").body;
    let ids: Vec<&str> = map["points"]["id"].as_array().expect("ids").iter().filter_map(Value::as_str).collect();
    assert_eq!(ids.len(), 20);
    assert!(ids.contains(&"arxiv:2401.99100v8") && !ids.contains(&"arxiv:2401.99100v7"), "{ids:?}");
    // And when it is taken back, the one before speaks again.
    assert_eq!(server.delete("/v1/papers/arxiv%3A2401.99100v8").status, 204);
    let map = server.get("/v1/themes/map").body;
    assert!(map["points"]["id"].as_array().expect("ids").contains(&json!("arxiv:2401.99100v7")));

    let of = server.post("/v1/themes/of", &json!({ "filter": { "from": "2024" } })).body;
    assert_eq!(of["meta"]["papers"], 20);
}

#[test]
fn about_so_many_themes() {
    let folder = Folder::new();
    let words = ["whale", "bridge", "fern", "comet", "glass", "tram", "loom", "reef", "yeast", "drum"];
    let paper = |k: usize| {
        let (a, b) = (words[k % 10], words[(k / 10) % 10]);
        json!({ "id": format!("p/{k}"), "title": format!("{a} song {a} and {a} {b}"), "abstract": format!("The {a} of the {a}, {a} beside {b}.") })
    };
    let lines: String = (0..300).map(|k| format!("{}\n", paper(k))).collect();
    let file = folder.file("p.jsonl", lines);
    folder.run(&["ingest", &file]);
    let server = Server::start(&folder);
    let meta = server.get("/v1/themes").body["meta"].clone();
    let finest = meta["sizes"][2].as_u64().expect("a number") as usize;
    let members = meta["papers"].as_u64().expect("a number") - meta["unassigned"].as_u64().expect("a number");
    for about in [1, 2, 3, 5, 8, 12, 40, 300] {
        let list = server.get(&format!("/v1/themes?about={about}")).body;
        let themes = list["themes"].as_array().expect("themes");
        assert!(themes.len().abs_diff(about.min(finest)) <= 2, "{} for {about}, finest {finest}", themes.len());
        let mut seen = HashSet::new();
        for theme in themes {
            let id = theme["id"].as_str().expect("an id");
            let one = server.get(&format!("/v1/themes/{id}?limit=500")).body;
            assert_eq!((&one["id"], &one["size"], &one["name"]), (&theme["id"], &theme["size"], &theme["name"]));
            let papers = one["papers"].as_array().expect("papers");
            assert_eq!(papers.len() as u64, theme["size"].as_u64().expect("a size"));
            assert!(papers.iter().all(|p| seen.insert(p["id"].to_string())), "{id} shares a paper");
        }
        assert_eq!(seen.len() as u64, members, "about {about}");
        assert_eq!(server.get(&format!("/v1/themes?about={about}")).body["themes"], list["themes"]);
    }
    for (query, status) in [("about=0", 422), ("about=3&level=0", 422), ("about=x", 400)] {
        assert_eq!(server.get(&format!("/v1/themes?{query}")).status, status, "{query}");
    }
    assert_eq!(server.get("/v1/themes/t1-t999999").status, 404);
    drop(server);
    assert_eq!(folder.json(&["themes", "--about", "3"]).len(), 3);
    assert_eq!(folder.run(&["themes", "--about", "0"]).status, Some(2));
}
