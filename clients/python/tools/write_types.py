"""Writes `src/paperkin/types.py`: the shapes of answers, from the OpenAPI document of a running service.

    python tools/write_types.py http://127.0.0.1:7878 [--check]

With `--check` nothing is written, and the exit status says whether the file says what the document says.
"""

from __future__ import annotations

import ast
import json
import keyword
import sys
import textwrap
import urllib.request
from pathlib import Path
from typing import Any

FILE = Path(__file__).resolve().parents[1] / "src" / "paperkin" / "types.py"

#: The answers that the client gives; what they are made of comes with them.
ROOTS = """
    Answer Asked BatchAnswers Bounced DeliveryList Digests Embedded Event EventList EventReport FolderList
    FolderView Filed ImportList ImportView Imported InterestList JobList JobView KeyList KeyMade Library Link
    MailList MapPapers Me NoteList NoteView OneTheme OpinionList OutsideList PaperInFull PaperList Redelivered
    Report SearchList SearchPapers SearchView SelectionThemes SessionList SessionsEnded SourceList SourceView
    SubscriptionList SubscriptionView Suggestions ThemeEvents ThemeList ThemeMap ThemesRun Token
    TurnedDownList UserList UserView WebhookList WebhookMade
""".split()

HEAD = '''\
"""The shapes of answers: written by `tools/write_types.py` from the OpenAPI document, and held to it by a test.

They are what the service answers, as it is: plain dicts. A field that a newer service adds is there, if unknown here.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, TypedDict'''

#: Schemas that are called something else here: `Warning` is Python's.
RENAMED = {"Warning": "FieldWarning"}

Schema = dict[str, Any]


class Writer:
    """Writes the schemas of a document as types."""

    def __init__(self, schemas: dict[str, Schema]) -> None:
        """Of these schemas."""
        self.schemas = schemas
        self.written: dict[str, str] = {}

    def reach(self, name: str) -> None:
        """Writes a schema, after those of which it is made."""
        if name in self.written:
            return
        self.written[name] = ""
        text = self.schema(name, self.schemas[name])
        # Bases have to stand before what is built on them, so the order is that in which writing ends.
        del self.written[name]
        self.written[name] = text

    def schema(self, name: str, schema: Schema) -> str:
        """A schema that has a name."""
        if "allOf" in schema:
            bases, fields = [], []
            for part in schema["allOf"]:
                if "$ref" in part:
                    base = reference(part)
                    self.reach(base)
                    bases.append(base)
                else:
                    fields.append(part)
            properties = {k: v for part in fields for k, v in part.get("properties", {}).items()}
            required = {k for part in fields for k in part.get("required", [])}
            return self.typed_dict(name, bases, properties, required, schema.get("description"))
        if schema.get("properties"):
            return self.typed_dict(
                name, [], schema["properties"], set(schema.get("required", [])), schema.get("description")
            )
        about = f"#: {summary(schema)}\n" if summary(schema) else ""
        return f"{about}{name}: TypeAlias = {quoted(self.type(schema))}\n"

    def typed_dict(self, name: str, bases: list[str], properties: Schema, required: set[str], about: str | None) -> str:
        """An object: what may be missing stands in a base of its own, as Python 3.10 has it."""
        told = {k: (self.type(v), summary(v)) for k, v in properties.items()}
        there = {k: v for k, v in told.items() if k in required}
        missing = {k: v for k, v in told.items() if k not in required}
        about = docstring(about or name, 4)
        if any(keyword.iskeyword(k) for k in told):
            fields = ", ".join(f'"{k}": {quoted(t)}' for k, (t, _) in told.items())
            return f'{name} = TypedDict("{name}", {{{fields}}})\n"""{flat(about)}"""\n'
        text = ""
        if missing and there:
            about_missing = f'"""What may be missing in `{name}`."""'
            text += f"class _{name}(TypedDict, total=False):\n    {about_missing}\n\n{lines(missing)}\n\n"
            bases = [*bases, f"_{name}"]
        total = ", total=False" if missing and not there else ""
        body = there or missing
        text += f"class {name}({', '.join(bases or ['TypedDict'])}{total}):\n    {about}\n"
        return text + (f"\n{lines(body)}" if body else "")

    def type(self, schema: Schema) -> str:
        """The type of a schema."""
        if "$ref" in schema:
            self.reach(reference(schema))
            return reference(schema)
        for many in ("oneOf", "anyOf"):
            if many in schema:
                kinds = [self.type(part) for part in schema[many]]
                return " | ".join(dict.fromkeys(k for kind in kinds for k in kind.split(" | ")))
        if "allOf" in schema and len(schema["allOf"]) == 1:
            return self.type(schema["allOf"][0])
        if "enum" in schema:
            return f"Literal[{', '.join(json.dumps(value) for value in schema['enum'])}]"
        kinds = schema.get("type", [])
        kinds = [kinds] if isinstance(kinds, str) else kinds
        names = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
        return " | ".join(names.get(kind) or self.of_many(kind, schema) for kind in kinds) or "Any"

    def of_many(self, kind: str, schema: Schema) -> str:
        """The type of a list or an object without a name."""
        if kind == "array":
            return f"list[{self.type(schema.get('items') or {})}]"
        of = schema.get("additionalProperties")
        return f"dict[str, {self.type(of) if isinstance(of, dict) else 'Any'}]"


def reference(schema: Schema) -> str:
    """The name that a reference has."""
    name = str(schema["$ref"]).rsplit("/", 1)[-1]
    return RENAMED.get(name, name)


def summary(schema: Schema) -> str:
    """The first paragraph of a description."""
    return " ".join(str(schema.get("description", "")).split("\n\n")[0].split())


def quoted(kind: str) -> str:
    """A type that is looked at later: it may stand before what it is made of."""
    return kind if kind.startswith("Literal") else json.dumps(kind)


def flat(text: str) -> str:
    """A docstring without its quotes."""
    return text.strip('"')


def docstring(text: str, indent: int) -> str:
    """A docstring of lines that are not too long."""
    text = " ".join(text.split("\n\n")[0].split()).replace("\\", "\\\\").replace('"""', "'''")
    text = text if text.endswith(".") else f"{text}."
    wrapped = textwrap.wrap(text, 110, subsequent_indent=" " * indent)
    return f'"""{wrapped[0]}"""' if len(wrapped) == 1 else '"""' + "\n".join(wrapped) + "\n" + " " * indent + '"""'


def lines(fields: dict[str, tuple[str, str]]) -> str:
    """The fields of a class."""
    return "".join(
        f"    {name}: {kind}\n" + (f"    {docstring(about, 4)}\n" if about else "")
        for name, (kind, about) in fields.items()
    )


def written(document: Schema) -> str:
    """The whole file."""
    writer = Writer({RENAMED.get(name, name): schema for name, schema in document["components"]["schemas"].items()})
    for root in ROOTS:
        writer.reach(root)
    return HEAD + "\n\n" + "\n\n".join(writer.written.values())


def bare(text: str) -> str:
    """The code without what it says of itself: a better word in the service is no other shape."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef)):
            node.body = [n for n in node.body if not (isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant))]
    return ast.dump(tree)


def main() -> int:
    """Reads the document and writes the file, or looks at it."""
    words = [word for word in sys.argv[1:] if not word.startswith("--")]
    with urllib.request.urlopen(f"{words[0].rstrip('/')}/openapi.json", timeout=60) as answer:
        text = written(json.load(answer))
    if "--check" in sys.argv:
        same = FILE.exists() and bare(FILE.read_text("utf-8")) == bare(text)
        if not same:
            print("src/paperkin/types.py is not what the document says: run tools/write_types.py", file=sys.stderr)
        return 0 if same else 1
    FILE.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
