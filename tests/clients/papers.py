"""Invented papers with what the built-in corpus does not have: identifiers, days on the list, votes, old dates, versions."""

KITES = [
    ("arxiv:2401.00001", "Kites that learn the wind above a harbour", "10.5555/kite.1", "2024-01-02", 12, "Wind Lab"),
    ("arxiv:2401.00002", "Learning to steer a kite by the feel of its lines", "10.5555/kite.2", "2024-01-02", 40, "Wind Lab"),
    ("arxiv:2401.00003", "Tethered wings harvest gusts over cold water", "10.5555/kite.3", "2024-01-03", 3, None),
    ("arxiv:2401.00004", "A controller for kites in turbulent wind", "10.5555/kite.4", "2024-01-09", 8, "Gust Institute"),
    ("arxiv:2402.00005", "Wind maps from a hundred kites", "10.5555/kite.5", "2024-02-06", 21, None),
]


def papers():
    """All of them, as JSON Lines has them."""
    made = [
        {
            "id": id,
            "title": title,
            "abstract": f"{title}. We fly kites over harbours and report how lines, gusts and control behave in trial {k}.",
            "authors": ["Ada Testwell", f"Nobody Fiction-{k}"],
            "date": listed,
            "listed": listed,
            "categories": ["cs.RO", "cs.LG"],
            "keywords": ["kites", "wind"],
            "upvotes": upvotes,
            "comments": k,
            "submitted_by": "ada" if k % 2 else "bo",
            "organization": organization,
            "venue": "Journal of Invented Flight",
            "doi": doi,
        }
        for k, (id, title, doi, listed, upvotes, organization) in enumerate(KITES)
    ]
    made += [
        # Another version of the first one.
        {
            "id": "2401.00001v2",
            "title": KITES[0][1],
            "abstract": made[0]["abstract"],
            "authors": made[0]["authors"],
            "date": "2024-01-20",
        },
        # Old, and known by a PubMed id.
        {
            "id": "pmid:1234567",
            "title": "On the strings of kites",
            "abstract": "A survey of strings by which kites were held in the last century, over harbours and in wind.",
            "authors": ["Old Author"],
            "date": "1974-05",
        },
        # Known by an address, with no date and no author.
        {"id": "https://kites.example/notes/7", "title": "Notes on a kite that came back", "abstract": "It came back."},
        # A date ahead of every clock, and signs that break what is not quoted.
        {
            "id": "CorpusId:987654",
            "title": "Kites & <b>gusts</b>: \"quoted\" $O(n^2)$ — снова 风筝",
            "abstract": "Signs of many scripts in an abstract about kites.",
            "authors": ["Ünï Çode"],
            "date": "2024-01-05",
            "listed": "2024-01-05",
            "upvotes": 1,
        },
    ]
    return made
