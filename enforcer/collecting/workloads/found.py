"""What lists of workloads and pods say together: which workload a pod is of, and which image runs in which versions."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from enforcer.facts.workloads import ContainerImage, RunningImage, Workload
from kube.checking.images import FoundContainer, FoundImages
from kube.objects import Owner
from manifests.variables import marker
from review.sources.image import digest_of

MOST_CONTAINERS: Final = 1000
"""More containers of one object are not looked at; Kubernetes' own tests stop at a fraction of it."""
MOST_TOLD: Final = 1000
_REPLICA_SET: Final = "ReplicaSet"
_Name = tuple[str, str, str, str]


@dataclass(slots=True)
class _Running:
    pods: int = 0
    namespaces: set[str] = field(default_factory=set)
    pod: str = ""


@dataclass(slots=True)
class Found:
    """Collects objects. Pods come behind everything that may have made them."""

    _passed_over: list[str] = field(default_factory=list)
    _left_out: int = 0
    _made: dict[tuple[str, str, str], _Name] = field(default_factory=dict)
    """Kind, namespace and name of everything that was listed, and the workload that stands for it."""
    _workloads: dict[_Name, dict[tuple[str, str], None]] = field(default_factory=dict)
    _added: dict[_Name, dict[tuple[str, str], None]] = field(default_factory=dict)
    """What pods run beside the containers of what made them, or what claims to have."""
    _secrets: dict[_Name, set[str]] = field(default_factory=dict)
    _running: dict[tuple[str, str], _Running] = field(default_factory=dict)

    @property
    def passed_over(self) -> tuple[str, ...]:
        """What was not looked at; of very many, the first ones and how many more there are."""
        more = [f"{self._left_out} objects more"] if self._left_out else []
        return (*self._passed_over, *more)

    def pass_over(self, kind: str, name: str, what: str = "it is too large to be read") -> None:
        """Take note of an object that was not looked at as a whole, and of what of it."""
        if len(self._passed_over) < MOST_TOLD:
            self._passed_over.append(f"{kind} {name or '(no name)'}: {what}")
        else:
            self._left_out += 1

    def workload(self, group: str, kind: str, one: FoundImages) -> None:
        """Take note of an object with a pod template, unless another one that is looked at made it."""
        name = (group, kind, one.name.namespace, one.name.name)
        maker = None if one.owner is None else self._maker(one.owner, one.name.namespace)
        self._made[name[1:]] = maker or name
        if maker is None:
            self._add(name, one)

    def pod(self, one: FoundImages) -> None:
        """Take note of a pod: of what it runs, and of what it is, if nothing that was listed made it.

        Whoever writes a pod may say that something made it, and may add containers to one that is there. So what runs
        and is not in the template is taken note of too.
        """
        namespace = one.name.namespace
        maker = None if one.owner is None else self._maker(one.owner, namespace)
        if maker is not None:
            self._add_running(maker, one)
        elif one.owner is None:
            self._add(("", "Pod", namespace, one.name.name), one)
        else:
            group = one.owner.api_version.rpartition("/")[0]
            self._add((group, one.owner.kind, namespace, _without_hash(one.owner)), one)
        if one.is_running:
            for container in one.containers[:MOST_CONTAINERS]:
                self._run(container, one)

    def workloads(self) -> Iterator[Workload]:
        """Yield the workloads in the order of their names."""
        for name, images in sorted(self._workloads.items(), key=lambda each: (each[0][2], each[0][1], each[0][3])):
            group, kind, namespace, called = name
            yield Workload(
                group=group,
                kind=kind,
                namespace=namespace,
                name=called,
                images=_images(images),
                added=_images(self._added.get(name, {})),
                secrets=tuple(sorted(self._secrets.get(name, ()))),
            )

    def running(self) -> Iterator[RunningImage]:
        """Yield what runs, in the order of the images."""
        for (image, digest), one in sorted(self._running.items()):
            yield RunningImage(
                image=image, digest=digest, pods=one.pods, namespaces=tuple(sorted(one.namespaces)), pod=one.pod
            )

    def _maker(self, owner: Owner, namespace: str) -> _Name | None:
        if owner.kind == _REPLICA_SET:
            return self._made.get(("Deployment", namespace, _without_hash(owner)))
        return self._made.get((owner.kind, namespace, owner.name))

    def _add_running(self, maker: _Name, one: FoundImages) -> None:
        if not one.is_running:
            return
        own, added = self._workloads.get(maker, {}), self._added.setdefault(maker, {})
        for container in one.containers[:MOST_CONTAINERS]:
            image = (container.name, container.image)
            if image in own or image in added:
                continue
            if len(added) == MOST_CONTAINERS:
                self.pass_over("Pod", str(one.name), "containers that its template does not have")
                return
            added[image] = None

    def _add(self, name: _Name, one: FoundImages) -> None:
        images = self._workloads.setdefault(name, {})
        images.update(((container.name, container.image), None) for container in one.containers[:MOST_CONTAINERS])
        if len(one.containers) > MOST_CONTAINERS:
            self.pass_over(
                name[1], f"{name[2]}/{name[3]}", f"{len(one.containers) - MOST_CONTAINERS} of its containers"
            )
        noted = marker.parse(one.note) if one.note else None
        if noted is not None:
            self._secrets.setdefault(name, set()).update(filter(None, (noted.secret, noted.whole)))

    def _run(self, container: FoundContainer, one: FoundImages) -> None:
        if not container.image_id:
            return  # it was not started yet
        running = self._running.setdefault((container.image, digest_of(container.image_id)), _Running())
        running.pods += 1
        running.namespaces.add(one.name.namespace)
        running.pod = min(filter(None, (running.pod, str(one.name))))


def _images(found: Iterable[tuple[str, str]]) -> tuple[ContainerImage, ...]:
    return tuple(ContainerImage(container=container, image=image) for container, image in found)


def _without_hash(owner: Owner) -> str:
    """Return the name of the workload that a ReplicaSet is a revision of; of anything else its own."""
    return owner.name.rpartition("-")[0] or owner.name if owner.kind == _REPLICA_SET else owner.name
