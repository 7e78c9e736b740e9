"""Two worlds that differ only in what one user may not see: the names of another namespace, and what happened there."""

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from pathlib import Path

from audit.entry import AuditEntry, OriginEntry, Requester
from enforcer.telling import json_report
from tests.changes.history.repositories import Repository
from tests.changes.sample import ALICE, FLUX, entry, lines, ref, resolved
from tests.enforcer.telling.sample import ordinary

SEEN = "seen"
SECRET = "vault:secret/seen/db#password"


@dataclass(frozen=True)
class Names:
    """The names of what is hidden. None of them is a part of another."""

    namespace: str
    object: str
    person: str
    path: str
    key: str
    release: str
    file: str
    subject: str
    author: str
    request: str

    @classmethod
    def of(cls, mark: str) -> "Names":
        """Return names with this mark: five letters. Vault's requests have names of their own form."""
        texts = {each.name: f"{each.name[:3]}{mark}{number}" for number, each in enumerate(fields(cls))}
        return cls(**{**texts, "request": str(uuid.uuid5(uuid.NAMESPACE_URL, mark))})

    @property
    def texts(self) -> Sequence[str]:
        return [getattr(self, each.name) for each in fields(self)]

    @property
    def reference(self) -> str:
        return f"vault:secret/{self.path}/db#{self.key}"

    @property
    def uid(self) -> str:
        return str(uuid.uuid5(uuid.NAMESPACE_URL, self.namespace))


def seen() -> Sequence[AuditEntry]:
    """Return what happened in the namespace that is seen: more than a page of it, before the rest."""
    made = replace(entry(SEEN, "db", ALICE), operation="CREATE", fields=[resolved("/data/password", SECRET, 1)])
    return [made, *(_rotated(made, version) for version in range(2, 70))]


def _rotated(made: AuditEntry, version: int) -> AuditEntry:
    return replace(
        made,
        time=made.time + timedelta(minutes=version),
        uid=str(uuid.UUID(int=version)),
        operation="UPDATE",
        fields=[resolved("/data/password", SECRET, version, [ref(SECRET, version - 1)])],
    )


def hidden(names: Names) -> Sequence[AuditEntry]:
    """Return what happened in the other one: the same object, a person and a release of there."""
    origin = OriginEntry("flux-kustomization", names.namespace, names.release)
    made = replace(
        entry(names.namespace, names.object, Requester(names.person), origin),
        uid=names.uid,
        fields=[resolved(f"/data/{names.key}", names.reference, 1)],
    )
    field = replace(made.fields[0], references=(replace(made.fields[0].references[0], request_id=names.request),))
    twin = replace(made, name="db", requester=FLUX, uid=str(uuid.uuid5(uuid.NAMESPACE_URL, names.object)))
    return [replace(made, fields=[field]), twin]


def trails(folder: Path, names: Names) -> Sequence[str]:
    """Write a trail of each namespace. The names of the files are the same in both worlds."""
    folder.mkdir()
    for name, chain, entries in (("a.log", "1" * 32, seen()), ("b.log", "2" * 32, hidden(names))):
        with (folder / name).open("wb") as file:
            file.writelines(lines(entries, chain))
    return [str(folder / "a.log"), str(folder / "b.log")]


def repository(folder: Path, names: Names) -> tuple[Path, Sequence[str]]:
    """Write a repository of both; return its folder and its commits: one of what is seen, two of what is hidden."""
    made = Repository(folder)
    made.commit({"seen/db.yaml": manifest(SEEN, "db", "password", SECRET)}, message="The database of the shop")
    author = f"{names.author} <{names.author}@example.com>"
    for name in (names.object, "db"):
        text = manifest(names.namespace, name, names.key, names.reference)
        made.commit({f"{names.file}/{name}.yaml": text}, author=author, message=names.subject)
    return folder, made.commits


def manifest(namespace: str, name: str, key: str, reference: str) -> str:
    return f"""apiVersion: v1
kind: Secret
metadata:
  name: {name}
  namespace: {namespace}
  annotations:
    data.keyhole.dev/{key}: {reference}
"""


def report(file: Path, names: Names) -> Path:
    """Write a compliance report in which both namespaces have findings; one of what is seen tells of the other."""
    told = json.loads(json_report.render(ordinary(), "1.2.3"))
    standard = next(each for each in told["standards"] if each["findings"])
    first = standard["findings"][0]
    there = {"group": "", "kind": "Secret", "namespace": names.namespace, "name": names.object}
    texts = {"pointer": f"/data/{names.key}", "file": f"{names.file}/db.yaml", "help": names.subject}
    answered = {"until": "2099-01-01", "owner": names.author, "reason": names.subject, "ticket": names.request}
    standard["findings"] += [
        {**first, **texts, "object": there, "message": f"{names.person} wrote {names.reference}"},
        {**first, "object": {**there, "namespace": SEEN, "name": "db"}, "message": f"as {names.namespace}/db has it"},
    ]
    standard["excepted"] += [{**first, **texts, "object": there, "exception": answered}]
    standard["unchecked"] += [{"object": there, "reason": names.subject}]
    covered = {"standards": [standard["name"]], "objects": [f"{names.namespace}/{names.object}"], "covers": 1}
    told["exceptions"].append({**told["exceptions"][0], **answered, **covered})
    file.write_text(json.dumps(told))
    return file
