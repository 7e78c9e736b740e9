"""What Vault's answers show that no object can help: a policy without `metadata/`, paths with hundreds of versions."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from controller.following.comparison import Answer, Asked
from resolver.vault.kv_versions import KvVersion


def hints(
    answers: Mapping[Asked, Answer], left_out: int = 0, denied: Mapping[str, str] = MappingProxyType({})
) -> Iterator[tuple[str, str]]:
    """Yield a word for what there is to say of a namespace, and the sentence.

    `left_out` objects are not followed. `denied` has the kinds that could not be listed, with what was said then.
    """
    if left_out:
        yield "left out", f"it has more references than are followed, so {left_out} of its objects are not"
    for kind, why in sorted(denied.items()):
        text = f"its {kind} are not followed: {why}. Apply its bundle again, as `keyhole tenant --kinds` prints it"
        yield f"kind {kind}", text
    known = {asked.path: answer for asked, answer in answers.items() if isinstance(answer, KvVersion)}
    lacking = sorted(path for path, answer in known.items() if answer.lacks_metadata)
    if lacking:
        text = (
            f"the role's policy does not let the metadata of {_paths(lacking)} be read, so the secret itself is read "
            "each time, to know its version; `keyhole tenant --vault` prints the missing line"
        )
        yield "metadata", text
    long = sorted(path for path, answer in known.items() if answer.is_long)
    if long:
        text = (
            f"{_paths(long)} has hundreds of versions, and each question about them costs Vault more; "
            "`vault kv metadata put -max-versions=10` limits them"
        )
        yield "versions", text


def _paths(paths: list[str]) -> str:
    return paths[0] if len(paths) == 1 else f"{len(paths)} paths ({paths[0]} and others)"
