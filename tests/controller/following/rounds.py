"""A namespace whose cluster and Vault do what a test wants, and rounds in it on a clock of our own."""

from collections.abc import Callable, Iterator, Mapping
from types import SimpleNamespace
from typing import Any, cast

from controller.following.comparison import Answer, Asked
from controller.following.memory import NamespaceMemory
from controller.following.pacing.budget import Budget
from controller.following.round import Round, Tools
from controller.following.unlisted import Unlisted
from controller.managed import Managed
from controller.telling.meters import FollowMeters
from kube.errors import KubernetesUnavailable
from kube.objects import Metadata, ObjectName
from kube.objects_of import Resource
from kube.secrets import Changed
from manifests.annotations import FOLLOW, RECORD, REFRESH
from manifests.fields.scan import Form
from manifests.following.problem import Problem
from manifests.kinds.known import ONLY_SECRETS, Kinds
from manifests.planning.immutable import not_refreshed
from manifests.provenance import record
from manifests.provenance.record import Entry
from metrics.meters import Meters
from resolver.references.grammar import Reference
from resolver.vault.kv_versions import KvVersion

SHOP = Metadata(ObjectName("", "shop"), "1", {})
MONDAY, TUESDAY = "2026-01-05T00:00:00Z", "2026-01-06T00:00:00Z"


class Cluster:
    """The objects of a kind in a namespace, behind a webhook that brings those that it can to what `vault` has."""

    def __init__(self, kind: str = "Secret", others: "Mapping[str, Cluster] | None" = None, **paths: str) -> None:
        """Each object with the path of its only field. `others` has those of other kinds, by plural."""
        self.kind = kind
        self.others = others or {}
        self.failure: Exception | None = None
        self.version = ""
        self.pointer = "/data/k"
        self.asked: list[Resource] = []
        self.vault: dict[str, KvVersion] = {path: KvVersion(1, MONDAY) for path in paths.values()}
        for other in self.others.values():
            self.vault |= other.vault
            other.vault = self.vault
        self.kept: set[str] = set()
        self.immutable: set[str] = set()
        self.patches: list[str] = []
        self.secrets: dict[str, Metadata] = {}
        for name, path in paths.items():
            self.apply(name, path)

    def apply(self, name: str, *paths: str, follow: str | None = None) -> None:
        """Make a Secret that has the version of each path which Vault has now."""
        entries = {
            f"{self.pointer}{number}": Entry(
                Form.ANNOTATION, f"vault:secret/{path}#f", (), (self.vault[path].current,), "id"
            )
            for number, path in enumerate(paths)
        }
        notes = {RECORD: record.dump("id", entries, version=self.version)} | ({FOLLOW: follow} if follow else {})
        self.secrets[name] = Metadata(ObjectName("shop", name), "1", notes, uid=f"uid-{self.kind}-{name}")

    def tenant(self) -> Any:
        return SimpleNamespace(of=self._of, namespace="shop", api=None)

    def _of(self, resource: Resource) -> "Cluster":
        found = self.others.get(resource.plural, self)
        found.asked.append(resource)
        return found

    def list_metadata(self, _namespace: str, _selector: str, _seconds: float, _go_on: object) -> Iterator[Metadata]:
        if self.failure is not None:
            raise self.failure
        yield from self.secrets.values()

    def read_metadata(self, name: ObjectName, _seconds: float) -> Metadata:
        return self.secrets[name.name]

    def change(
        self, name: ObjectName, notes: Mapping[str, str | None], _seconds: float, *, resource_version: str | None = None
    ) -> Changed:
        assert REFRESH in notes
        assert resource_version is not None
        self.patches.append(name.name)
        if name.name in self.immutable:
            return Changed(self.secrets[name.name], (not_refreshed(self.kind),))
        if name.name in self.kept:
            return Changed(self.secrets[name.name], ("data.k0 keeps its value, unverified: PermissionDenied: no",))
        found = record.parse(self.secrets[name.name].annotations[RECORD])
        paths = [entry.text.removeprefix("vault:secret/").removesuffix("#f") for entry in found.entries.values()]
        self.apply(name.name, *paths, follow=self.secrets[name.name].annotations.get(FOLLOW))
        return Changed(self.secrets[name.name])


class Loop:
    """Rounds a minute apart, on a clock of our own."""

    def __init__(self, cluster: Cluster, kinds: Kinds = ONLY_SECRETS) -> None:
        self.now = 1000.0
        self.cluster = cluster
        self.memory = NamespaceMemory()
        self.asked: list[int] = []
        """How many questions each call asked."""
        self.intervals = {"default": 60.0}
        self.questions = 0
        self.hints: list[tuple[str, str]] = []
        self.silent: set[str] = set()
        self.workloads_fail = False
        """Paths about which Vault says nothing."""
        ignored: Callable[..., None] = lambda *_args, **_more: None  # noqa: E731 - a stand-in
        self.events: list[tuple[str, str]] = []
        self.problems: dict[str, Problem] = {}
        self.baselines = 0
        telling = SimpleNamespace(event=self._event, problem=self._problem, retain=ignored, hint=self._hint)
        inquiry = SimpleNamespace(versions=self._versions, values=lambda *_args: {})
        self._tools = Tools(
            inquiry=cast("Any", inquiry),
            budget=Budget(patches_per_second=100_000.0),
            telling=cast("Any", telling),
            meters=FollowMeters(Meters.alone()),
            keys=lambda: None,
            intervals=lambda: self.intervals,
            clock=lambda: self.now,
            kinds=kinds,
            unlisted=Unlisted(lambda: self.now),
            restarts=cast("Any", SimpleNamespace(baselines=self._baselines, problems=lambda _namespace: {})),
        )

    def _versions(
        self,
        _namespace: str,
        wanted: Mapping[Asked, Reference],
        _memory: NamespaceMemory,
        _go_on: object,
        earlier: Mapping[Asked, Answer],
    ) -> dict[Asked, Answer]:
        self.asked.append(len(wanted))
        self.questions += len(wanted)
        return dict(earlier) | {
            asked: self.cluster.vault[name]
            for asked in wanted
            if (name := asked.path.removeprefix("secret/")) not in self.silent
        }

    def _event(self, *args: Any, **_: Any) -> None:
        _, about, kind, api_version, reason, _ = args
        self.events.append((f"{api_version} {kind} {about.name.name}", reason))

    def _problem(self, _tenant: object, about: Managed, found: Problem | None, _go_on: object) -> None:
        if found is not None:
            self.problems[str(about)] = found

    def _baselines(self, *_args: object) -> None:
        self.baselines += 1
        if self.workloads_fail:
            raise KubernetesUnavailable("did not answer")

    def _hint(self, namespace: str, word: str, _text: str) -> None:
        self.hints.append((namespace, word))

    def round(self) -> list[str]:
        """Run a round, and return which objects it had refreshed."""
        for cluster in (self.cluster, *self.cluster.others.values()):
            cluster.patches.clear()
        found = Round(SHOP, self.cluster.tenant(), *self._more)
        found.begin()
        while not found.ask_some():
            pass
        while not found.refresh_some():
            pass
        found.end()
        self.now += 60.0
        self.last = found
        clusters = (self.cluster, *self.cluster.others.values())
        return sorted(name for cluster in clusters for name in cluster.patches)

    @property
    def _more(self) -> tuple[NamespaceMemory, Tools, Callable[[], None]]:
        return self.memory, self._tools, lambda: None
