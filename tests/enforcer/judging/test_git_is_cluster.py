"""git-is-cluster: what the cluster was filled from against what Git has."""

from typing import Any

from enforcer.facts.base import NotKnown
from enforcer.facts.cluster import ClusterFacts, Namespace, Unread
from enforcer.facts.git import GitFacts, GitField, GitObject, InFile, NotRead
from enforcer.facts.inventory import Inventory
from enforcer.facts.workloads import Workload, WorkloadFacts
from enforcer.judging.answers import Held, NotChecked
from enforcer.judging.git_is_cluster import STANDARD
from review.findings.finding import Finding
from review.findings.rule import Severity
from tests.enforcer.judging.clusters import REFERENCE, answers, field, inventory, secret, told

OTHER = "vault:secret/app#other"
SECRET = "keyhole-0123456789ab"


def of_git(name: str = "app", namespace: str = "shop", kind: str = "Secret", **more: Any) -> GitObject:
    fields = more.pop("fields", {"/data/a": REFERENCE})
    return GitObject(
        group=more.pop("group", ""),
        kind=kind,
        namespace=namespace,
        name=name,
        place=InFile(file="app.yaml"),
        fields=tuple(
            GitField(pointer=pointer, reference=text, references=(text,), place=InFile(file="app.yaml", line=7))
            for pointer, text in fields.items()
        ),
        **more,
    )


def with_git(of: Inventory, *objects: GitObject, running: tuple[Workload, ...] = (), **more: Any) -> Inventory:
    git = GitFacts(objects=objects, namespaces=tuple({one.namespace for one in objects}), **more)
    workloads = WorkloadFacts(workloads=running, running=(), scans=None)
    return of.model_copy(update={"git": git, "workloads": workloads})


def test_the_same_references_are_held() -> None:
    assert answers(STANDARD, with_git(inventory(secret("app", "a")), of_git())) == [
        Held(answers(STANDARD, with_git(inventory(), of_git()))[0].object)
    ]


def test_another_reference_is_found_at_the_line_of_git() -> None:
    (one,) = answers(STANDARD, with_git(inventory(secret("app", "a")), of_git(fields={"/data/a": OTHER})))
    assert isinstance(one, Finding)
    assert one.message == f"/data/a is filled from {REFERENCE}, and Git has {OTHER}"
    assert (str(one.place), one.pointer) == ("app.yaml:7:1", "/data/a")


def test_a_field_more_on_either_side_is_found() -> None:
    both = with_git(inventory(secret("app", "a", "b")), of_git(fields={"/data/a": REFERENCE, "/data/c": OTHER}))
    assert told(STANDARD, both) == [
        f"Secret shop/app /data/b: /data/b is filled from {REFERENCE}, and Git has no reference for it",
        f"Secret shop/app /data/c: Git has {OTHER} for /data/c, and nothing is filled there",
    ]


def test_an_entry_that_was_not_proved_is_for_records_proved_to_tell() -> None:
    forged = secret("app", "a", fields=(field("a", OTHER),), proof="changed", unproved=("/data/a",))
    assert [type(one) for one in answers(STANDARD, with_git(inventory(forged), of_git()))] == [NotChecked]
    for whole in ({"proof": "changed", "unproved": ("",)}, {"proof": NotKnown(not_known="the webhook is away")}):
        of = with_git(inventory(secret("app", "a", **whole)), of_git())
        assert [type(one) for one in answers(STANDARD, of)] == [NotChecked]
    unfilled = secret("app", wants={"/data/a": REFERENCE}, unfilled=("/data/a",))
    assert answers(STANDARD, with_git(inventory(unfilled), of_git())) == []


def test_what_the_cluster_wants_too_and_has_not_got_is_for_nothing_unresolved_to_tell() -> None:
    one = secret("app", "a", unfilled=("/data/c",), wants={"/data/a": REFERENCE, "/data/c": OTHER})
    both = with_git(inventory(one), of_git(fields={"/data/a": REFERENCE, "/data/c": OTHER}))
    assert told(STANDARD, both) == ["held Secret shop/app"]


def test_the_fields_of_a_whole_secret_are_those_of_its_path() -> None:
    filled = secret("app", "a", fields=(field("a"), field("b", OTHER)))
    same = with_git(inventory(filled), of_git(fields={"": "vault:secret/app"}))
    assert told(STANDARD, same) == ["held Secret shop/app"]
    for text in (f"{REFERENCE} | urlencode", f"{REFERENCE}, vault:secret/other#x"):
        of = with_git(
            inventory(secret("app", "a", fields=(field("a", text),))), of_git(fields={"": "vault:secret/app"})
        )
        assert isinstance(answers(STANDARD, of)[0], Finding)
    elsewhere = with_git(inventory(filled), of_git(fields={"": "vault:secret/else"}))
    assert len([one for one in answers(STANDARD, elsewhere) if isinstance(one, Finding)]) == 2


def test_another_version_of_a_custom_resource_may_have_its_fields_elsewhere() -> None:
    box = secret("app", "a", group="example.org", kind="Box")
    for pointer, reference, expected in (("/spec/b", REFERENCE, "held Box shop/app"), ("/spec/b", OTHER, "")):
        of = with_git(inventory(box), of_git(kind="Box", group="example.org", fields={pointer: reference}))
        assert told(STANDARD, of)[0].startswith(expected or "Box shop/app /")


def test_an_object_that_git_lacks_was_reviewed_by_nobody() -> None:
    (one,) = answers(STANDARD, with_git(inventory(secret("app", "a"))))
    assert isinstance(one, Finding)
    assert one.severity is Severity.ERROR
    assert "nor anything else of namespace shop" in one.message


def test_an_object_without_a_record_is_nothing_of_vault() -> None:
    assert told(STANDARD, with_git(inventory(secret("plain")))) == []


def test_an_object_that_the_cluster_lacks_is_a_warning() -> None:
    (one,) = answers(STANDARD, with_git(inventory(), of_git()))
    (elsewhere,) = answers(STANDARD, with_git(inventory(), of_git(namespace="pay")))
    assert isinstance(one, Finding)
    assert isinstance(elsewhere, Finding)
    assert one.severity is elsewhere.severity is Severity.WARNING
    assert "namespace pay does not use Keyhole" in elsewhere.message


def test_what_was_not_read_proves_nothing() -> None:
    not_read = NotRead(place=InFile(file="chart.yaml", line=3), reason="a template has to be rendered first")
    (lacking,) = answers(STANDARD, with_git(inventory(secret("app", "a")), not_read=(not_read,)))
    assert isinstance(lacking, NotChecked)
    assert "chart.yaml:3: a template has to be rendered first" in lacking.reason
    unread = Unread(group="", kind="Secret", not_known="no right")
    several = answers(STANDARD, with_git(inventory(unread=(unread,)), of_git()))
    assert [type(one) for one in several] == [NotChecked, NotChecked]
    facts = ClusterFacts(
        namespaces=(Namespace(name="shop", enabled=True, variables=False, objects=NotKnown(not_known="no right")),)
    )
    unknown = with_git(inventory(), of_git()).model_copy(update={"cluster": facts})
    assert [type(one) for one in answers(STANDARD, unknown)] == [NotChecked, NotChecked]


def test_what_is_open_in_git_is_not_checked_on_either_side() -> None:
    for one in (of_git(open_because="a kustomization changes it"), of_git(namespace="")):
        for cluster in (inventory(), inventory(secret("app", "a"))):
            (answer,) = answers(STANDARD, with_git(cluster, one))
            assert isinstance(answer, NotChecked)


def test_what_others_make_objects_of_excuses_its_references_in_its_namespace() -> None:
    release = of_git("web", kind="HelmRelease", passed_on=True, fields={"": REFERENCE})
    assert told(STANDARD, with_git(inventory(secret("app", "a")), release)) == ["held Secret shop/app"]
    (one,) = answers(STANDARD, with_git(inventory(secret("app", fields=(field("a", OTHER),), record=True)), release))
    assert isinstance(one, Finding)
    (one,) = answers(STANDARD, with_git(inventory(secret("app", "a")), release.model_copy(update={"namespace": "pay"})))
    assert isinstance(one, Finding)


def workload(*secrets: str) -> Workload:
    return Workload(group="apps", kind="Deployment", namespace="shop", name="web", images=(), secrets=secrets)


def test_secrets_behind_variables_follow_their_workload() -> None:
    web = of_git("web", kind="Deployment", group="apps", secrets=(SECRET,))
    generated, old = secret(SECRET, "a"), secret("keyhole-ba9876543210", "a")
    of = inventory(generated, old)
    assert told(STANDARD, with_git(of, web, running=(workload(SECRET),))) == ["held Deployment shop/web"]
    assert told(STANDARD, with_git(of, web, running=(workload("keyhole-ba9876543210"),))) == [
        "Deployment shop/web variables: the references of its variables in the cluster are others than those in Git"
    ]
    (lacking,) = answers(STANDARD, with_git(of, running=(workload(SECRET),)))
    assert isinstance(lacking, Finding)
    (missing,) = answers(STANDARD, with_git(of, web))
    assert isinstance(missing, Finding)
    release = of_git("web", kind="HelmRelease", passed_on=True, fields={"": REFERENCE})
    assert told(STANDARD, with_git(of, release, running=(workload(SECRET),))) == ["held Deployment shop/web"]


def test_without_workloads_variables_are_not_checked() -> None:
    web = of_git("web", kind="Deployment", group="apps", secrets=(SECRET,))
    of = with_git(inventory(), web).model_copy(update={"workloads": NotKnown(not_known="no right to list pods")})
    assert told(STANDARD, of) == [
        "not checked Deployment shop/web: the workloads of the cluster are not known: no right to list pods"
    ]


def test_namespaces_that_are_not_in_git_are_left_alone() -> None:
    of = with_git(inventory(secret("app", "a")), of_git("b", "shop-old"), running=(workload(SECRET),))
    assert told(STANDARD, of, not_in_git=("shop*",)) == []
