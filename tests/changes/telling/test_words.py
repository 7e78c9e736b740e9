"""A change in words, on one line each, whatever others have written."""

from dataclasses import replace

import pytest

from changes.change import Attribution, Certainty, Change, ChangedField, Commit, How
from changes.telling import words
from changes.told import ToldField, ToldObject, ToldOrigin, ToldReference
from changes.wanted import Wanted
from resolver.references.characters import visible
from tests.changes import sample
from tests.changes.index import indexed

STORY = indexed.changes(indexed.of_story())
COMMIT = Commit("deploy", "a1b2c3d" + "0" * 33, sample.BEGINS, "Ada", "Use the new one", "base/db.yaml", 12)


def _of(name: str) -> list[Change]:
    return [each for each in STORY if each.object.name == name]


def test_titles_say_who_did_what() -> None:
    assert [words.title(each) for each in _of("db")] == [
        "alice@example.com removed fields of Secret shop/db",
        "Keyhole rotated Secret shop/db",
        "alice@example.com changed Secret shop/db",
        "Flux, Kustomization flux-system/apps created Secret shop/db",
    ]
    assert words.title(_of("card")[0]) == "Argo CD, Application argocd/payments created Secret payments/card"
    assert words.requester(_of("card")[0]) == "ServiceAccount argocd/argocd-application-controller"


def test_a_person_is_told_as_such_whatever_the_object_says_of_its_origin() -> None:
    assert _of("db")[2].origin == ToldOrigin("flux-kustomization", "flux-system", "apps")
    assert words.who(_of("db")[2]) == "alice@example.com"


def test_diffs_and_ways() -> None:
    told = [(words.how(each.fields[0]), [str(line) for line in words.diff(each.fields[0])]) for each in _of("db")]
    assert told == [
        ("removed", ["- vault:secret/shop/db#password (v4)"]),
        ("rotated in Vault: v3 → v4", ["- vault:secret/shop/db#password (v3)", "+ vault:secret/shop/db#password (v4)"]),
        ("another reference", ["- vault:secret/shop/old-db#password (v1)", "+ vault:secret/shop/db#password (v3)"]),
        ("new", ["+ vault:secret/shop/old-db#password (v1)"]),
    ]
    assert words.reference(ToldReference("vault:kv1/card#pin")) == "vault:kv1/card#pin (no version)"
    assert words.reference(ToldReference("vault:a#b", cause="NotFound")) == "vault:a#b (refused: NotFound)"


def test_of_several_references_those_that_stay_are_told_as_such() -> None:
    stays, old, new = (ToldReference(f"vault:a#{name}", 1) for name in ("user", "old", "new"))
    field = ToldField("/data/url", "annotation", "resolved", "", (stays, new), (stays, old))
    assert [str(each) for each in words.diff(ChangedField(field, How.REFERENCE))] == [
        "- vault:a#old (v1)",
        "+ vault:a#new (v1)",
        "  vault:a#user (v1)",
    ]
    assert [str(each) for each in words.diff(ChangedField(replace_before(field), How.TEXT))] == [
        "  vault:a#user (v1)",
        "  vault:a#new (v1)",
    ]


def replace_before(field: ToldField) -> ToldField:
    return ToldField(field.pointer, field.form, field.done, "", field.references, field.references)


def test_commits() -> None:
    exact = Attribution(Certainty.EXACT, COMMIT)
    assert words.commit(exact) == 'a1b2c3d by Ada, "Use the new one" (exact)'
    assert words.place(exact) == "deploy: base/db.yaml:12"
    likely = replace(exact, certainty=Certainty.LIKELY, why="two repositories have it")
    assert words.commit(likely) == 'a1b2c3d by Ada, "Use the new one" (likely: two repositories have it)'
    assert words.commit(Attribution(Certainty.UNKNOWN, why="no commit has it")) == "commit unknown: no commit has it"
    assert words.place(Attribution(Certainty.UNKNOWN)) == ""


def test_objects_of_any_kind() -> None:
    assert (
        words.object_name(ToldObject("cert-manager.io", "ClusterIssuer", "", "ca"))
        == "ClusterIssuer.cert-manager.io ca"
    )
    assert words.object_name(ToldObject("", "", "", "")) == "what its file does not name"


@pytest.mark.parametrize("name", sample.HOSTILE)
def test_what_others_wrote_stays_on_its_line_and_is_visible(name: str) -> None:
    (change,) = indexed.changes(indexed.of_story(), Wanted(requester=name))
    field = change.fields[0]
    attribution = Attribution(Certainty.EXACT, replace(COMMIT, author=name * 9, subject=name * 9, file=name))
    told = [
        *(words.title(change), words.who(change), words.pointer(field), words.how(field)),
        *(str(line) for line in words.diff(field)),
        *(words.commit(attribution), words.place(attribution)),
    ]
    for text in told:
        assert visible(text) == text
        assert len(text) < 5000
