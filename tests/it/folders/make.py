#!/usr/bin/env python3
"""Makes the small data folders that later versions must open.

    tests/it/folders/make.py BINARY NAME

runs BINARY over invented papers and readers, stops it, exports what it holds with the same BINARY, and packs both into
tests/it/folders/NAME.tar.zst (`folder/`, `export/`, and `answers.json` with what some questions were answered). Once a version is
released its file is never made again. Needs Python 3.9 and `zstd`.
"""
import json, os, pathlib, shutil, subprocess, sys, tempfile, time, urllib.error, urllib.request

ADDRESS = os.environ.get("ADDRESS", "127.0.0.1:8499")
TOPICS = ["whales", "quasars", "enzymes", "bridges", "sonnets", "ledgers"]


def paper(topic, t, k):
    words = " ".join(f"{topic}{(k * 3 + w * 5) % 12}" for w in range(6))
    return {"id": f"{topic}/{k}", "title": f"{topic.title()} {topic} study{t}x{k}",
            "abstract": f"We look at {topic}. {topic} with {words}.", "authors": [f"Ann {topic.title()}", f"Bo Writer{k % 7}"],
            "date": f"2026-{1 + k % 6:02}-{1 + k % 28:02}", "categories": [f"c.{topic[:2]}"], "upvotes": k % 9}


def main():
    binary, name = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2]
    here = pathlib.Path(__file__).resolve().parent
    work = pathlib.Path(tempfile.mkdtemp())
    folder, export = work / "folder", work / "export"
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PAPERKIN_")}

    def run(*args):
        subprocess.run([binary, "--data", folder, "--model", "hash", *args], check=True, env=environment)

    def call(method, path, body=None, kind="application/json"):
        data = body.encode() if isinstance(body, str) else None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://{ADDRESS}{path}", data, {"content-type": kind}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as e:
            raise SystemExit(f"{method} {path}: {e.code} {e.read().decode()}")

    lines = [json.dumps(paper(topic, t, k)) for t, topic in enumerate(TOPICS) for k in range(24)]
    (work / "p.jsonl").write_text("\n".join(lines) + "\n")
    run("ingest", str(work / "p.jsonl"))
    entries = "".join(f"@article{{e{k}, title={{Enzymes enzymes study2x{k}}}, author={{Enzymes, Ann}}}}\n" for k in range(4))
    entries += "@article{own, title={A treatise on invisible lighthouses}, author={Keeper, Lou}, year={2019}, "
    entries += "abstract={Nobody has seen one, and this says why.}}\n"
    (work / "bob.bib").write_text(entries)
    flag = ["--embed-missing"] if name == "0.1.0" else []
    run("history", "import", "bob", str(work / "bob.bib"), *flag)
    service = subprocess.Popen([binary, "--data", folder, "--model", "hash", "serve", "--addr", ADDRESS], env=environment)
    try:
        for _ in range(200):
            try:
                call("GET", "/readyz")
                break
            except (urllib.error.URLError, SystemExit):
                time.sleep(0.1)
        changed = paper("whales", 0, 3)
        changed["abstract"] += " A second version says more."
        call("POST", "/v1/papers", changed)
        call("DELETE", "/v1/papers/ledgers%2F5")
        call("PUT", "/v1/users/ada", {"half_life_days": 90, "per_author": 2})
        call("PUT", "/v1/users/bob", {})
        ada = [{"paper": f"whales/{k}", "kind": "like", "at": f"2026-07-{1 + k:02}T10:00:00Z"} for k in range(9)]
        ada += [{"paper": f"quasars/{k}", "kind": "save", "at": f"2026-07-{1 + k:02}T11:00:00Z"} for k in range(9)]
        ada += [{"paper": f"sonnets/{k}", "kind": "dislike", "at": f"2026-07-{1 + k:02}T12:00:00Z"} for k in range(3)]
        call("POST", "/v1/users/ada/events", {"events": ada})
        bob = [{"paper": f"bridges/{k}", "kind": "view", "at": f"2026-07-{1 + k:02}T10:00:00Z", "weight": 2.5} for k in range(6)]
        call("POST", "/v1/users/bob/events", {"events": bob})
        interests = call("GET", "/v1/users/ada/interests")
        first = interests["interests"][0]["id"]
        call("PATCH", f"/v1/users/ada/interests/{first}", {"name": "What swims"})
        call("POST", "/v1/users/ada/token")
        call("POST", "/v1/themes/rebuild", {})
        for _ in range(100):
            if call("GET", "/v1/themes")["themes"]:
                break
            time.sleep(0.2)
        ask = {"similar": "/v1/papers/whales%2F1/similar?limit=5", "search": "/v1/search?q=quasars3+quasars&limit=5",
               "events": "/v1/users/ada/events?limit=50", "themes": "/v1/themes", "user": "/v1/users/ada"}
        answers = {key: call("GET", path) for key, path in ask.items()}
        answers["asked"] = ask
    finally:
        service.terminate()
        service.wait()
    run("export", str(export))
    (work / "answers.json").write_text(json.dumps(answers))
    (folder / "lock").unlink(missing_ok=True)
    for left in ("papers.sqlite-wal", "papers.sqlite-shm", "serve.sock"):
        (folder / left).unlink(missing_ok=True)
    packed = here / f"{name}.tar.zst"
    subprocess.run(f"tar -C '{work}' --sort=name --owner=0 --group=0 -cf - folder export answers.json"
                   f" | zstd -19 --long=27 -qfo '{packed}'", shell=True, check=True)
    shutil.rmtree(work)
    print(packed, packed.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
