"""What the Enforcer learns of Git: real folders, read as `keyhole lint` reads them."""

import subprocess
from pathlib import Path

import pytest

from enforcer.collecting import git
from enforcer.collecting.inventory import nothing_yet
from enforcer.collecting.run import Run
from enforcer.collecting.sources import Sources
from enforcer.facts.base import NotKnown
from enforcer.facts.git import CodeOwners, GitFacts, GitField, GitObject
from resolver.deadline import Deadline
from tests.enforcer.times import NOW

SECRET = """\
apiVersion: v1
kind: Secret
metadata:
  name: {name}
  {namespace}
  annotations:
    {annotation}
"""


def secret(name: str, annotation: str, namespace: str = "shop") -> str:
    return SECRET.format(name=name, annotation=annotation, namespace=f"namespace: {namespace}" if namespace else "")


def objects_in(folder: Path) -> tuple[GitObject, ...]:
    facts = collected(folder)
    assert isinstance(facts.objects, tuple)
    return facts.objects


def collected(folder: Path, *, git_root: Path | None = None, run: Run | None = None) -> GitFacts:
    sources = Sources(manifests=(folder,), git=git_root)
    facts = git.collect(sources, run or Run(Deadline.after(60)), nothing_yet("0", NOW))
    assert isinstance(facts, GitFacts)
    return facts


def fields(one: GitObject) -> dict[str, str]:
    return {field.pointer: field.reference for field in one.fields}


def write(folder: Path, **texts: str) -> Path:
    for name, text in texts.items():
        path = folder / f"{name.replace('__', '/')}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_each_form_gives_the_field_as_the_cluster_has_it(tmp_path: Path) -> None:
    text = (
        secret("app", "data.keyhole.dev/a: vault:secret/shop/a#x\n    keyhole.dev/from: secret/shop/whole")
        + "stringData:\n  b: vault:secret/shop/b#y\n  url: postgres://u:${vault:secret/shop/b#y}@${vault:secret/shop/a#x}\n"
    )
    one = objects_in(write(tmp_path, app=text))[0]
    assert (one.kind, one.namespace, one.name, one.passed_on, one.open_because) == ("Secret", "shop", "app", False, "")
    assert fields(one) == {
        "/data/a": "vault:secret/shop/a#x",
        "/data/b": "vault:secret/shop/b#y",
        "/data/url": "vault:secret/shop/a#x, vault:secret/shop/b#y",
        "": "vault:secret/shop/whole",
    }
    assert one.fields[0].place.line == 7


def test_no_text_around_a_reference_and_no_default_is_kept(tmp_path: Path) -> None:
    text = secret("app", "data.keyhole.dev/a: canary-1${vault:secret/shop/a#x|default:canary-2}canary-3")
    facts = collected(write(tmp_path, app=text))
    assert isinstance(facts.objects, tuple)
    assert fields(facts.objects[0]) == {"/data/a": "vault:secret/shop/a#x | default:"}
    assert "canary" not in facts.model_dump_json()


def test_nothing_else_of_a_secret_in_git_is_kept(tmp_path: Path) -> None:
    plain = (
        secret("app", "data.keyhole.dev/a: vault:secret/shop/a#x") + "stringData: {b: canary-1}\ndata: {c: Y2FuYXJ5}\n"
    )
    broken = "apiVersion: v1\nkind: Secret\nstringData: {d: canary-2, d: [\n"
    facts = collected(write(tmp_path, app=plain, broken=broken))
    assert facts.objects
    assert facts.not_read
    text = facts.model_dump_json()
    assert "canary" not in text
    assert "Y2FuYXJ5" not in text


def test_variables_name_the_secrets_that_the_webhook_would_make(tmp_path: Path) -> None:
    text = (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec:\n  template:\n"
        "    metadata: {annotations: {env.keyhole.dev/TOKEN: 'vault:secret/shop/a#x'}}\n"
        "    spec: {containers: [{name: web, image: web}]}\n"
    )
    one = objects_in(write(tmp_path, web=text))[0]
    assert fields(one) == {"/data/TOKEN": "vault:secret/shop/a#x"}
    assert len(one.secrets) == 1
    assert one.secrets[0].startswith("web-keyhole-")


def test_namespaces_come_from_kustomize_flux_and_argo_cd(tmp_path: Path) -> None:
    write(
        tmp_path,
        base__app=secret("app", "data.keyhole.dev/a: vault:secret/a#x", ""),
        base__kustomization="resources: [app.yaml]\n",
        blue__kustomization="namespace: blue\nresources: [../base]\n",
        green__kustomization="namespace: green\nresources: [../base]\n",
        open__b=secret("b", "data.keyhole.dev/a: vault:secret/a#x", ""),
    )
    objects = objects_in(tmp_path)
    assert [(one.namespace, one.name, one.open_because) for one in objects] == [
        ("", "b", ""),
        ("blue", "app", ""),
        ("green", "app", ""),
    ]


@pytest.mark.parametrize(
    "change", ["namePrefix: x-", "nameSuffix: -x", "patches: [{path: patch.yaml}]", "components: [../other]"]
)
def test_what_kustomize_changes_has_to_be_built(tmp_path: Path, change: str) -> None:
    write(
        tmp_path,
        base__app=secret("app", "data.keyhole.dev/a: vault:secret/a#x"),
        base__kustomization="resources: [app.yaml]\n",
        over__kustomization=f"resources: [../base]\n{change}\n",
        over__own=secret("own", "data.keyhole.dev/a: vault:secret/a#x"),
    )
    by_name = {one.name: one.open_because for one in objects_in(tmp_path)}
    assert "kustomize build" in by_name["app"]
    assert by_name["own"] == ""  # the kustomization does not name it


def test_what_kustomize_generates_has_to_be_built(tmp_path: Path) -> None:
    text = "namespace: shop\nsecretGenerator: [{name: app, literals: ['a=vault:secret/a#x']}]\n"
    (one,) = objects_in(write(tmp_path, kustomization=text))
    assert "kustomize generates it" in one.open_because


def test_a_release_of_helm_passes_references_on(tmp_path: Path) -> None:
    text = (
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: web, namespace: flux}\n"
        "spec: {targetNamespace: shop, values: {password: 'vault:secret/shop/a#x'}}\n"
    )
    (one,) = objects_in(write(tmp_path, web=text))
    assert (one.namespace, one.passed_on) == ("shop", True)
    assert one.fields[0].references == ("vault:secret/shop/a#x",)


def test_what_an_operator_makes_pods_of_passes_its_variables_on(tmp_path: Path) -> None:
    text = (
        "apiVersion: example.org/v1\nkind: Database\nmetadata: {name: pg, namespace: shop}\nspec:\n  template:\n"
        "    metadata: {annotations: {env.keyhole.dev/TOKEN: 'vault:secret/shop/a#x'}}\n"
        "    spec: {containers: [{name: pg, image: pg}]}\n"
    )
    (one,) = objects_in(write(tmp_path, pg=text))
    assert (one.kind, one.namespace, one.passed_on, one.secrets) == ("Database", "shop", True, ())
    assert one.fields[0].references == ("vault:secret/shop/a#x",)


def test_an_object_in_two_files_that_differ_is_open_and_in_two_that_agree_is_not(tmp_path: Path) -> None:
    write(
        tmp_path,
        a=secret("same", "data.keyhole.dev/a: vault:secret/a#x"),
        b=secret("same", "data.keyhole.dev/a: 'vault:secret/a#x'"),
        c=secret("other", "data.keyhole.dev/a: vault:secret/a#x"),
        d=secret("other", "data.keyhole.dev/a: vault:secret/a#y"),
    )
    by_name = {one.name: one for one in objects_in(tmp_path)}
    assert by_name["same"].open_because == ""
    assert len(by_name["same"].fields) == 1
    assert "several files" in by_name["other"].open_because


def test_templates_and_broken_files_are_told(tmp_path: Path) -> None:
    write(tmp_path, chart="{{ if .Values.x }}\na: [\n{{ end }}\n", broken="a: [\n", good=secret("a", "x: y"))
    told = {one.place.file.rpartition("/")[2]: one.reason for one in collected(tmp_path).not_read}
    assert told["chart.yaml"] == "a template has to be rendered first"
    assert "broken.yaml" in told


def test_without_manifests_nothing_is_known(tmp_path: Path) -> None:
    run, so_far = Run(Deadline.after(60)), nothing_yet("0", NOW)
    without = git.collect(Sources(), run, so_far)
    empty = git.collect(Sources(manifests=(tmp_path,)), run, so_far)
    assert isinstance(without, NotKnown)
    assert "--manifests" in without.not_known
    assert isinstance(empty, NotKnown)
    assert str(tmp_path) in empty.not_known


def test_a_run_that_ends_keeps_what_was_read(tmp_path: Path) -> None:
    write(tmp_path, a=secret("a", "data.keyhole.dev/a: vault:secret/a#x"), b=secret("b", "data.keyhole.dev/a: x"))
    run = Run(Deadline.after(60))
    run.tell = lambda _text: run.stop("SIGTERM came")
    facts = collected(tmp_path, run=run)
    assert [one.name for one in facts.objects if isinstance(one, GitObject)] == ["a"]
    assert facts.not_read[-1].reason == "not all files were read: SIGTERM came"


OWNERS = """\
# everything
/apps/ @org/apps someone@example.com
/apps/pay.yaml
/mine.yaml nobody-here  # @not-an-owner
"""


def owners_of(root: Path, manifests: Path) -> CodeOwners:
    owners = collected(manifests, git_root=root).owners
    assert isinstance(owners, CodeOwners)
    return owners


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    (tmp_path / "CODEOWNERS").write_text(OWNERS)
    reference = "data.keyhole.dev/a: vault:secret/a#x"
    return write(
        tmp_path,
        apps__shop=secret("shop", reference),
        apps__pay=secret("pay", reference),
        mine=secret("mine", reference),
        plain=secret("plain", "a: b"),
    )


def test_each_file_with_references_has_an_owner_or_none(repository: Path) -> None:
    owners = owners_of(repository, repository)
    assert (owners.file, owners.malformed) == ("CODEOWNERS", (4,))
    assert [(one.file, one.owned) for one in owners.files] == [
        ("apps/pay.yaml", False),
        ("apps/shop.yaml", True),
        ("mine.yaml", False),
    ]


def test_of_manifests_that_were_rendered_elsewhere_the_work_tree_is_read(
    repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    rendered = write(tmp_path_factory.mktemp("rendered"), all=secret("shop", "data.keyhole.dev/a: vault:secret/a#x"))
    write(repository, template="{{ if }}\na: [\n")
    owners = owners_of(repository, rendered)
    assert [one.file for one in owners.files] == ["apps/pay.yaml", "apps/shop.yaml", "mine.yaml"]
    assert [one.place.file.rpartition("/")[2] for one in owners.not_read] == ["template.yaml"]


def test_with_a_work_tree_alone_its_owners_are_known_and_nothing_is_said_of_objects(repository: Path) -> None:
    facts = git.collect(Sources(git=repository), Run(Deadline.after(60)), nothing_yet("0", NOW))
    assert isinstance(facts, GitFacts)
    assert facts.objects == NotKnown(not_known="no manifests were given (--manifests)")
    assert isinstance(facts.owners, CodeOwners)
    assert len(facts.owners.files) == 3


def test_files_are_named_as_in_their_repository_where_the_paths_of_flux_begin(repository: Path) -> None:
    kustomization = (
        "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: x, namespace: flux}\n"
        "spec: {path: ./placed, targetNamespace: shop}\n"
    )
    write(repository, flux=kustomization, placed__app=secret("app", "data.keyhole.dev/a: vault:secret/a#x", ""))
    by_name = {one.name: one for one in objects_in(repository)}
    assert (by_name["app"].namespace, by_name["app"].place.file) == ("shop", "placed/app.yaml")


def test_two_repositories_may_have_files_of_one_name(tmp_path: Path) -> None:
    for name in ("a", "b"):
        subprocess.run(["git", "init", "--quiet", str(tmp_path / name)], check=True)
        write(tmp_path / name, app=secret(name, "data.keyhole.dev/a: vault:secret/a#x"))
    sources = Sources(manifests=(tmp_path / "a", tmp_path / "b"))
    facts = git.collect(sources, Run(Deadline.after(60)), nothing_yet("0", NOW))
    assert isinstance(facts, GitFacts)
    assert isinstance(facts.objects, tuple)
    assert [one.name for one in facts.objects] == ["a", "b"]


def test_without_a_file_there_are_no_owners_and_one_that_cannot_be_read_is_told(repository: Path) -> None:
    (repository / "CODEOWNERS").write_text("[Section][2]\n* @a\n")
    owners = collected(repository, git_root=repository).owners
    assert isinstance(owners, NotKnown)
    assert "CODEOWNERS:1:1" in owners.not_known
    (repository / "CODEOWNERS").unlink()
    assert collected(repository, git_root=repository).owners is None


def test_a_field_is_told_once_for_each_place(tmp_path: Path) -> None:
    text = secret("app", "keyhole.dev/from: secret/shop/a,secret/shop/b")
    (one,) = objects_in(write(tmp_path, app=text))
    assert [(each.pointer, each.reference) for each in one.fields] == [
        ("", "vault:secret/shop/a"),
        ("", "vault:secret/shop/b"),
    ]
    assert isinstance(one.fields[0], GitField)
