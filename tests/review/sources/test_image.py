"""Names of images, completed as runtimes complete them."""

import pytest

from review.sources import image as images

DIGEST = "sha256:" + "0a" * 32


@pytest.mark.parametrize(
    ("text", "name", "tagged"),
    [
        ("nginx", "docker.io/library/nginx", "docker.io/library/nginx:latest"),
        ("index.docker.io/nginx:1", "docker.io/library/nginx", "docker.io/library/nginx:1"),
        ("docker.io/a/b", "docker.io/a/b", "docker.io/a/b:latest"),
        ("a/b:1", "docker.io/a/b", "docker.io/a/b:1"),
        ("host:5000/a", "host:5000/a", "host:5000/a:latest"),
        ("host:5000/a:1.2", "host:5000/a", "host:5000/a:1.2"),
        ("localhost/a", "localhost/a", "localhost/a:latest"),
        ("[::1]:5000/a:1", "[::1]:5000/a", "[::1]:5000/a:1"),
        (f"ghcr.io/a/b:1@{DIGEST}", "ghcr.io/a/b", "ghcr.io/a/b:1"),
    ],
)
def test_a_name_is_completed_as_runtimes_do(text: str, name: str, tagged: str) -> None:
    found = images.parsed(text)
    assert found is not None
    assert (found.name, found.tagged) == (name, tagged)
    assert bool(found.digest) is images.has_digest(text)


@pytest.mark.parametrize("text", ["", "A b", ":1", f"@{DIGEST}", "a\nb", "{{ .image }}"])
def test_what_no_runtime_could_pull_is_no_image(text: str) -> None:
    assert images.parsed(text) is None


@pytest.mark.parametrize(
    ("image_id", "digest"),
    [
        (f"docker.io/library/nginx@{DIGEST}", DIGEST),
        (f"docker-pullable://nginx@{DIGEST}", DIGEST),
        (f"docker://{DIGEST}", ""),
        (DIGEST, ""),
        ("", ""),
    ],
)
def test_what_a_node_says_that_it_runs(image_id: str, digest: str) -> None:
    assert images.digest_of(image_id) == digest
