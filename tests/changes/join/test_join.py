"""Which commit made a change: exact, likely or unknown, from a repository and a trail as they are."""

import os
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from changes.change import Attribution, Certainty, Change, ChangedField, How
from changes.history.doubts import Doubt, words
from changes.history.reading import read
from changes.index.index import Index
from changes.join import deciding
from changes.join.join import joined
from changes.told import ToldField, ToldObject, ToldOrigin, ToldReference
from review.lint.origins.placing import Placing
from tests.changes.history.repositories import FIRST, MINUTE, Repository, kustomization, secret

FLUX = "system:serviceaccount:flux-system:kustomize-controller"
OLD, NEW = "vault:secret/old#password", "vault:secret/new#password"


def change(
    *references: str,
    minutes: float = 10_000,
    before: Sequence[str] = (),
    how: How = How.REFERENCE,
    namespace: str = "shop",
    name: str = "db",
    form: str = "annotation",
    pointer: str = "/data/password",
    origin: ToldOrigin | None = None,
    requester: str = FLUX,
) -> Change:
    """Return a change of a field, so many minutes after the first commit."""
    told, was = (tuple(ToldReference(text, 1) for text in texts) for texts in (references, before))
    field = ToldField(pointer, form, "removed" if how is How.REMOVED else "resolved", "", told, was)
    moment = datetime.fromtimestamp(FIRST + minutes * MINUTE, UTC)
    about = ToldObject("", "Secret", namespace, name)
    return Change(1, moment, "uid", requester, about, origin, "UPDATE", "shop", [ChangedField(field, how)])


class History:
    """Repositories that have been read into one index."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.index = Index(folder / "index")
        self.repositories: dict[str, Repository] = {}

    def repository(self, name: str = "fleet") -> Repository:
        return self.repositories.setdefault(name, Repository(self.folder / name))

    def of(self, asked: Change) -> Attribution:
        for name, each in self.repositories.items():
            read(self.index.database, each.folder, name)
        (found,) = joined(self.index.database, [asked])
        return found.fields[0].attribution

    def check(self, asked: Change, commit: str | None, why: str = "", *, certainty: Certainty | None = None) -> None:
        found = self.of(asked)
        expected = certainty or (Certainty.UNKNOWN if commit is None else Certainty.LIKELY if why else Certainty.EXACT)
        assert (found.certainty, found.commit and found.commit.id, found.why) == (expected, commit, why)


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path)


class TestExact:
    def test_the_commit_that_wrote_the_reference_is_exact(self, history: History) -> None:
        git = history.repository()
        git.commit({"db.yaml": secret("db", password=OLD)})
        second = git.commit({"db.yaml": secret("db", password=NEW)}, message="Use the new database\n\nBecause.")
        git.commit({"other.yaml": secret("other", password=OLD)})
        found = history.of(change(NEW))
        assert found.commit is not None
        assert (found.certainty, found.why) == (Certainty.EXACT, "")
        assert (found.commit.repository, found.commit.id, found.commit.author) == ("fleet", second, "Ada")
        assert found.commit.subject == "Use the new database"
        assert (found.commit.file, found.commit.line) == ("db.yaml", 7)
        assert found.commit.time == datetime.fromtimestamp(FIRST + MINUTE, UTC)

    def test_a_rotation_is_of_the_commit_that_wrote_the_reference(self, history: History) -> None:
        first = history.repository().commit({"db.yaml": secret("db", password=OLD)})
        history.check(change(OLD, how=How.VERSION), first)

    def test_a_field_of_a_whole_secret_is_of_the_commit_that_wrote_its_path(self, history: History) -> None:
        whole = secret("db", password="vault:secret/db").replace("data.keyhole.dev/password", "keyhole.dev/from")
        first = history.repository().commit({"db.yaml": whole})
        asked = change("vault:secret/db#user", form="from", pointer="/data/user")
        history.check(asked, first)

    def test_what_was_taken_out_is_of_the_commit_that_took_it_out(self, history: History) -> None:
        git = history.repository()
        git.commit({"db.yaml": secret("db", password=OLD, user="vault:secret/old#user")})
        second = git.commit({"db.yaml": secret("db", user="vault:secret/old#user")})
        history.check(change(before=[OLD], how=How.REMOVED), second)

    def test_what_a_client_passed_over_took_nothing_out(self, history: History) -> None:
        git = history.repository()
        git.commit({"db.yaml": secret("db", password=OLD, user=OLD)})
        git.commit({"db.yaml": secret("db", password=NEW, user=OLD)})
        third = git.commit({"db.yaml": secret("db", user=OLD)})
        history.check(change(before=[OLD], how=How.REMOVED), third)

    def test_another_object_and_another_field_do_not_matter(self, history: History) -> None:
        git = history.repository()
        first = git.commit({"db.yaml": secret("db", password=OLD)})
        git.commit({"others.yaml": secret("db", "other", password=OLD) + "---\n" + secret("db2", password=OLD)})
        git.commit({"db.yaml": secret("db", password=OLD, user=OLD)})
        history.check(change(OLD), first)

    def test_a_base_that_overlays_only_give_namespaces_is_the_one_place(self, history: History) -> None:
        git = history.repository()
        git.commit(
            {
                "base/kustomization.yaml": kustomization("resources: [db.yaml]\n"),
                "prod/kustomization.yaml": kustomization("namespace: shop\nresources: [../base]\n"),
                "stage/kustomization.yaml": kustomization("namespace: stage\nresources: [../base]\n"),
            }
        )
        second = git.commit({"base/db.yaml": secret("db", "", password=OLD)})
        history.check(change(OLD), second)
        history.check(change(OLD, namespace="stage"), second)
        history.check(change(OLD, namespace="elsewhere"), None, deciding.NOT_WRITTEN)

    def test_a_namespace_of_a_kustomization_counts_instead_of_that_in_the_file(self, history: History) -> None:
        git = history.repository()
        placed = {"kustomization.yaml": kustomization("namespace: shop\nresources: [db.yaml]\n")}
        first = git.commit({"db.yaml": secret("db", "written", password=OLD), **placed})
        history.check(change(OLD), first)
        history.check(change(OLD, namespace="written"), None, deciding.NOT_WRITTEN)


class TestLikely:
    @pytest.mark.parametrize("tool", ["", "flux-kustomization", "argocd"])
    def test_a_file_without_a_namespace_is_likely_whatever_traces_the_object_has(
        self, history: History, tool: str
    ) -> None:
        first = history.repository().commit({"db.yaml": secret("db", "", password=OLD)})
        origin = ToldOrigin(tool, "", "apps") if tool else None
        history.check(change(OLD, origin=origin), first, deciding.NO_NAMESPACE)

    def test_two_files_that_write_the_field(self, history: History) -> None:
        git = history.repository()
        first = git.commit({"prod/db.yaml": secret("db", password=NEW), "stage/db.yaml": secret("db", password=OLD)})
        history.check(change(NEW), first, deciding.SEVERAL)

    def test_two_repositories_that_write_the_field(self, history: History) -> None:
        history.repository("one").commit({"db.yaml": secret("db", password=NEW)})
        other = history.repository("two").commit({"db.yaml": secret("db", password=NEW)}, time=FIRST + MINUTE)
        history.check(change(NEW), other, deciding.SEVERAL)

    def test_the_same_references_twice(self, history: History) -> None:
        git = history.repository()
        git.commit({"db.yaml": secret("db", password=NEW)})
        git.commit({"db.yaml": secret("db", password=OLD)})
        third = git.commit({"db.yaml": secret("db", password=NEW)})
        history.check(change(NEW), third, deciding.AGAIN)

    def test_references_that_git_had_replaced_already(self, history: History) -> None:
        git = history.repository()
        first = git.commit({"db.yaml": secret("db", password=OLD)})
        git.commit({"db.yaml": secret("db", password=NEW)})
        history.check(change(OLD, minutes=0.5), first)
        # Git's times have whole seconds.
        history.check(change(OLD, minutes=1 + 0.9 / 60), first)
        history.check(change(OLD, minutes=1 + 1 / 60), first, deciding.NOT_THEN)

    def test_a_commit_that_is_a_little_younger_than_the_change(self, history: History) -> None:
        first = history.repository().commit({"db.yaml": secret("db", password=OLD)})
        history.check(change(OLD, minutes=-9), first, deciding.AHEAD)

    @pytest.mark.parametrize("member", ["namePrefix: x-", "components: [../c]", "patches: [{path: db.yaml}]"])
    def test_a_kustomization_that_changes_the_object(self, history: History, member: str) -> None:
        placed = {"kustomization.yaml": kustomization(f"resources: [db.yaml]\n{member}\n")}
        first = history.repository().commit({"db.yaml": secret("db", password=OLD), **placed})
        for name in ("db", "x-db"):
            history.check(change(OLD, name=name), first, words(Doubt.CHANGED))

    def test_a_clone_that_was_fetched_before_the_change(self, history: History) -> None:
        git = history.repository()
        first = git.commit({"db.yaml": secret("db", password=OLD)})
        fetched = git.folder / "FETCH_HEAD"
        fetched.touch()
        os.utime(fetched, (FIRST + MINUTE, FIRST + MINUTE))
        history.check(change(OLD, minutes=0.9), first)
        history.check(change(OLD, minutes=2), first, deciding.STALE)

    def test_a_change_after_the_clone_was_read(self, history: History) -> None:
        first = history.repository().commit({"db.yaml": secret("db", password=OLD)})
        tomorrow = (time.time() + 86_400 - FIRST) / MINUTE
        history.check(change(OLD, minutes=tomorrow), first, deciding.STALE)

    def test_a_file_that_moved(self, history: History) -> None:
        git = history.repository()
        first = git.commit({"db.yaml": secret("db", password=OLD)})
        git.commit({"db.yaml": None, "new/db.yaml": secret("db", password=OLD)})
        history.check(change(OLD), first, words(Doubt.MOVED))

    def test_an_object_that_stands_twice_in_a_file(self, history: History) -> None:
        twice = f"{secret('db', password=OLD)}---\n{secret('db', password=NEW)}"
        first = history.repository().commit({"db.yaml": twice})
        history.check(change(OLD), first, words(Doubt.TWICE))

    def test_a_commit_that_says_it_is_older_than_the_one_before_it(self, history: History) -> None:
        git = history.repository()
        git.commit({"db.yaml": secret("db", password=OLD)})
        second = git.commit({"db.yaml": secret("db", password=NEW)}, time=0)
        history.check(change(NEW), second, words(Doubt.CLOCK))

    def test_what_another_object_hands_on(self, history: History) -> None:
        release = (
            "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: app, namespace: shop}\n"
            f"spec:\n  values:\n    password: {OLD}\n"
        )
        first = history.repository().commit({"app.yaml": release})
        history.check(change(OLD), first, words(Doubt.PASSED_ON))
        history.check(change(OLD, namespace="other"), None, deciding.NOT_WRITTEN)

    @pytest.mark.parametrize("tool", ["helm", "flux-helm"])
    def test_a_plain_file_where_a_chart_made_the_object(self, history: History, tool: str) -> None:
        first = history.repository().commit({"db.yaml": secret("db", password=OLD)})
        history.check(change(OLD, origin=ToldOrigin(tool, "", "apps")), first, deciding.BY_HELM)

    def test_an_object_that_may_come_from_a_chart_as_well(self, history: History) -> None:
        git = history.repository()
        release = (
            "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: app, namespace: shop}\n"
            f"spec:\n  values:\n    password: {OLD}\n"
        )
        first = git.commit({"db.yaml": secret("db", password=OLD)})
        git.commit({"app.yaml": release})
        history.check(change(OLD), first, deciding.SEVERAL)

    def test_the_other_file_still_writes_what_one_no_longer_does(self, history: History) -> None:
        git = history.repository()
        git.commit({"a.yaml": secret("db", password=OLD), "b.yaml": secret("db", password=NEW)})
        second = git.commit({"a.yaml": None})
        history.check(change(before=[OLD], how=How.REMOVED), second, deciding.STILL_THERE)

    def test_what_was_taken_out_twice(self, history: History) -> None:
        git = history.repository()
        with_it, without = secret("db", password=OLD, user=OLD), secret("db", user=OLD)
        for text in (with_it, without, with_it):
            git.commit({"db.yaml": text})
        last = git.commit({"db.yaml": without})
        history.check(change(before=[OLD], how=How.REMOVED), last, deciding.AGAIN_OUT)

    @pytest.mark.parametrize("origin", [None, ToldOrigin("flux-kustomization", "flux-system", "apps")])
    @pytest.mark.parametrize("how", [How.REFERENCE, How.REMOVED])
    def test_what_a_person_sent(self, history: History, origin: ToldOrigin | None, how: How) -> None:
        # `kubectl edit` with what Git happens to have too. The object keeps the labels of Flux.
        git = history.repository()
        first = git.commit({"db.yaml": secret("db", password=OLD, user=NEW)})
        if how is How.REMOVED:
            first = git.commit({"db.yaml": secret("db", user=NEW)})
            asked = change(before=[OLD], how=how, origin=origin, requester="alice@example.com")
        else:
            asked = change(OLD, before=[NEW], how=how, origin=origin, requester="alice@example.com")
        history.check(asked, first, deciding.BY_PERSON)

    def test_a_line_that_does_not_tell_what_was_before(self, history: History) -> None:
        first = history.repository().commit({"db.yaml": secret("db", password=OLD)})
        asked = change(OLD, how=How.ADDED)
        untold = msgspec.structs.replace(asked.fields[0].field, before=None)
        found = history.of(replace(asked, fields=[ChangedField(untold, How.ADDED)]))
        assert found.commit is not None
        assert (found.certainty, found.commit.id, found.why) == (Certainty.LIKELY, first, deciding.UNTOLD)

    @pytest.mark.parametrize("path", ["./apps", "/", "./", "", "apps/web"])
    @pytest.mark.parametrize(
        "member",
        [
            "patches: [{patch: x}]",
            "namePrefix: x-",
            "components: [../c]",
            "commonMetadata: {annotations: {data.keyhole.dev/password: x}}",
        ],
    )
    def test_flux_that_changes_the_objects_itself(self, history: History, path: str, member: str) -> None:
        flux = (
            "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: a, namespace: f}\n"
            f"spec:\n  path: '{path}'\n  {member}\n"
        )
        first = history.repository().commit({"apps/web/db.yaml": secret("db", password=OLD), "flux.yaml": flux})
        history.check(change(OLD), first, words(Doubt.CHANGED))

    def test_an_absolute_path_has_an_end(self) -> None:
        placing = Placing()
        assert not placing.is_changed("/fleet/apps/db.yaml")
        assert not placing.is_changed("//fleet")

    def test_flux_that_changes_the_objects_of_another_folder(self, history: History) -> None:
        flux = (
            "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: a, namespace: f}\n"
            "spec: {path: ./other, patches: [{patch: x}]}\n"
        )
        first = history.repository().commit({"apps/db.yaml": secret("db", password=OLD), "flux.yaml": flux})
        history.check(change(OLD), first)

    def test_argo_cd_that_changes_the_objects_itself(self, history: History) -> None:
        application = (
            "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: a, namespace: argocd}\n"
            "spec: {source: {path: apps, kustomize: {patches: [{patch: x}]}}, destination: {namespace: shop}}\n"
        )
        first = history.repository().commit({"apps/db.yaml": secret("db", password=OLD), "a.yaml": application})
        history.check(change(OLD), first, words(Doubt.CHANGED))

    @pytest.mark.parametrize(
        "member", ["patches: [{patch: x}]", "commonAnnotations: {data.keyhole.dev/password: 'vault:secret/x#y'}"]
    )
    def test_an_overlay_that_changes_what_the_root_has(self, history: History, member: str) -> None:
        git = history.repository()
        first = git.commit(
            {
                "kustomization.yaml": kustomization("resources: [db.yaml]\n"),
                "db.yaml": secret("db", password=OLD),
                "prod/kustomization.yaml": kustomization(f"resources: [..]\n{member}\n"),
            }
        )
        history.check(change(OLD), first, words(Doubt.CHANGED))


class TestUnknown:
    def test_another_text_around_the_same_references(self, history: History) -> None:
        git = history.repository()
        git.commit({"db.yaml": secret("db", password=f'"ada:${{{OLD}}}"')})
        git.commit({"db.yaml": secret("db", password=f'"bob:${{{OLD}}}"')}, author="Bob <bob@example.com>")
        history.check(change(OLD, before=[OLD], how=How.TEXT), None, deciding.SAME)

    def test_the_same_references_in_another_order(self, history: History) -> None:
        git = history.repository()
        git.commit({"db.yaml": secret("db", password=f'"${{{OLD}}}${{{NEW}}}"')})
        git.commit({"db.yaml": secret("db", password=f'"${{{NEW}}}${{{OLD}}}"')}, author="Bob <bob@example.com>")
        history.check(change(NEW, OLD, before=[OLD, NEW]), None, deciding.SAME)

    def test_references_that_no_commit_wrote(self, history: History) -> None:
        history.repository().commit({"db.yaml": secret("db", password=OLD)})
        history.check(change(NEW), None, deciding.NOT_WRITTEN)

    def test_references_that_only_a_much_later_commit_wrote(self, history: History) -> None:
        history.repository().commit({"db.yaml": secret("db", password=OLD)})
        history.check(change(OLD, minutes=-11), None, deciding.ONLY_LATER)

    def test_nothing_was_read(self, tmp_path: Path) -> None:
        index = Index(tmp_path / "index")
        asked = change(OLD)
        assert joined(index.database, [asked]) == [asked]
        assert asked.fields[0].attribution.why == "no repository was read"

    def test_what_was_taken_out_and_the_trail_does_not_tell_what_it_was(self, history: History) -> None:
        history.repository().commit({"db.yaml": secret("db", password=OLD)})
        asked = change(how=How.REMOVED)
        untold = msgspec.structs.replace(asked.fields[0].field, before=None)
        found = history.of(replace(asked, fields=[ChangedField(untold, How.REMOVED)]))
        assert (found.certainty, found.commit) == (Certainty.UNKNOWN, None)
