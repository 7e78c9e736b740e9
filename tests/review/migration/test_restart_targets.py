"""A VaultStaticSecret and the workload that it restarts often stand in two files; both change."""

from pathlib import Path

from review.languages.all import LANGUAGES
from review.languages.foreign import Context
from review.languages.vault_secrets_operator import NAME
from review.migration.plan import planned
from review.migration.rewrite import rewritten
from review.sources import files
from tests.review.languages.test_vault_secrets_operator import static

DEPLOYMENT = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {name}\n  namespace: shop\nspec: {{}}\n"


def test_a_workload_in_a_file_of_its_own(tmp_path: Path) -> None:
    targets = {"rolloutRestartTargets": [{"kind": "Deployment", "name": "web"}]}
    (tmp_path / "secret.yaml").write_text(static(targets, transformation={"excludeRaw": True}))
    (tmp_path / "web.yaml").write_text(DEPLOYMENT.format(name="web"))
    (tmp_path / "other.yaml").write_text(DEPLOYMENT.format(name="other"))
    languages = [language for language in LANGUAGES if language.NAME == NAME]
    plan = planned(files.find([tmp_path]), languages, Context())
    texts = {Path(file.file.name).name: rewritten(file).text for file in plan.files}
    assert set(texts) == {"secret.yaml", "web.yaml"}
    assert 'keyhole.dev/restart: "true"' in texts["web.yaml"]
    assert "keyhole.dev/from: kv/team/app" in texts["secret.yaml"]
    assert plan.notes == []
    assert plan.looked_at == 3
