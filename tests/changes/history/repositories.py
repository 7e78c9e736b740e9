"""Repositories for tests, written with dulwich: many commits in a moment, of any author at any time."""

import textwrap
from collections.abc import Mapping
from pathlib import Path

from dulwich.object_store import commit_tree_changes
from dulwich.objects import Blob, Commit, ObjectID, Tree
from dulwich.refs import Ref
from dulwich.repo import Repo

MAIN = Ref(b"refs/heads/main")
FIRST = 1_750_000_000
"""The time of the first commit; each one after it comes a minute later."""
MINUTE = 60


class Repository:
    """A bare repository with one branch."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        self.repo = Repo.init_bare(str(folder))
        self.repo.refs.set_symbolic_ref(Ref(b"HEAD"), MAIN)
        empty = Tree()
        self.repo.object_store.add_object(empty)
        self.tree = empty.id
        self.commits: list[str] = []

    def commit(
        self,
        files: Mapping[str, str | bytes | None],
        *,
        time: int | None = None,
        author: str = "Ada <ada@example.com>",
        message: str | bytes = "Change",
        mode: int = 0o100644,
    ) -> str:
        """Write files, remove those that are None, and return the commit's ID. `time` is in seconds since 1970."""
        changes: list[tuple[bytes, int | None, ObjectID | None]] = []
        for path, text in files.items():
            if text is None:
                changes.append((path.encode(), None, None))
                continue
            blob = Blob.from_string(text.encode() if isinstance(text, str) else text)
            self.repo.object_store.add_object(blob)
            changes.append((path.encode(), mode, blob.id))
        if changes:
            self.tree = commit_tree_changes(self.repo.object_store, self.tree, changes)
        return self.commit_tree(self.tree, time=time, author=author, message=message)

    def commit_tree(
        self,
        tree: ObjectID,
        *,
        time: int | None = None,
        author: str = "Ada <ada@example.com>",
        message: str | bytes = "Change",
    ) -> str:
        """Commit a tree that is there."""
        commit = Commit()
        commit.tree = tree
        commit.author = commit.committer = author.encode()
        commit.author_time = commit.commit_time = FIRST + MINUTE * len(self.commits) if time is None else time
        commit.author_timezone = commit.commit_timezone = 0
        commit.message = message.encode() if isinstance(message, str) else message
        commit.parents = [ObjectID(self.commits[-1].encode())] if self.commits else []
        self.repo.object_store.add_object(commit)
        self.repo.refs[MAIN] = commit.id
        self.commits.append(commit.id.decode())
        return self.commits[-1]


def secret(name: str, namespace: str = "shop", **fields: str) -> str:
    """Return the manifest of a Secret whose fields are filled from references."""
    notes = "".join(f"    data.keyhole.dev/{key}: {reference}\n" for key, reference in fields.items())
    where = f"  namespace: {namespace}\n" if namespace else ""
    return f"apiVersion: v1\nkind: Secret\nmetadata:\n  name: {name}\n{where}  annotations:\n{notes}"


def kustomization(text: str) -> str:
    """Return a kustomization with these members."""
    return "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n" + textwrap.dedent(text)
