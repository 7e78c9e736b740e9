"""What the manifests in Git refer to, and who is asked when they change."""

from enforcer.facts.base import Facts, NotKnown


class InFile(Facts):
    """Where something stands in a file. Lines and columns count from 1; of a whole file both are 1."""

    file: str
    line: int = 1
    column: int = 1


class GitField(Facts):
    """A field that an object in Git has filled from Vault, or a whole secret that it takes.

    `pointer` is the JSON Pointer of the field in the object as the cluster has it, empty for a whole secret; of a
    workload's variable it is that in the generated Secret. `reference` has the field's references in the form of
    `FilledField.reference`; of a whole secret it is the path alone. `references` are the same, one by one.
    """

    pointer: str
    reference: str
    references: tuple[str, ...]
    place: InFile


class GitObject(Facts):
    """An object that refers to Vault. `namespace` is where it ends, empty if no file says it.

    `secrets` are the names of the Secrets that Keyhole makes for the variables of a workload. `passed_on` says that
    others make objects of it, such as Helm of a HelmRelease or an operator of a kind of its own, and which ones no file
    says. `open_because` says why the cluster has another name or other fields than the file; it is empty if it has the
    same.
    """

    group: str
    kind: str
    namespace: str
    name: str
    place: InFile
    fields: tuple[GitField, ...]
    secrets: tuple[str, ...] = ()
    passed_on: bool = False
    open_because: str = ""


class NotRead(Facts):
    """A place in files that could not be looked at, and why."""

    place: InFile
    reason: str


class OwnedFile(Facts):
    """A file with references, by its name in the repository, and whether CODEOWNERS has somebody for it."""

    file: str
    owned: bool


class CodeOwners(Facts):
    """The file CODEOWNERS of the work tree.

    `malformed` are the lines whose owners nobody can be: neither @USER, @ORGANISATION/TEAM nor an address of mail.
    """

    file: str
    malformed: tuple[int, ...] = ()
    files: tuple[OwnedFile, ...] = ()
    not_read: tuple[NotRead, ...] = ()


class GitFacts(Facts):
    """What the manifests in Git refer to.

    `objects` are in the order of their names, `namespaces` those that a manifest is for, whatever is in it. `owners` is
    None if the work tree has no CODEOWNERS.
    """

    objects: tuple[GitObject, ...] | NotKnown
    namespaces: tuple[str, ...] = ()
    not_read: tuple[NotRead, ...] = ()
    owners: CodeOwners | NotKnown | None = NotKnown(not_known="no work tree was given (--git)")
