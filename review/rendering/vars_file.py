"""Cloud Foundry's files of variables: what `cf push --vars-file` and `bosh interpolate --vars-file` take."""

import re
from typing import Final

import yaml
from yaml.nodes import MappingNode, ScalarNode

from review.rendering.pieces import NotRendered, Problem
from review.sources import bounds
from review.sources.text import Text

# The names that `((…))` can ask for. Source: director/template/template.go of cloudfoundry/bosh-cli.
_NAME: Final = re.compile(r"[-/.\w]+")


def check(text: Text) -> None:
    """Raise `NotRendered` if a text is no map from names to values, in one document."""
    try:
        bounds.check(text.content)
        roots = list(yaml.compose_all(text.content, Loader=bounds.LOADER))
    except (yaml.YAMLError, bounds.OutOfBounds):
        return  # whoever reads it next says where and why
    root = roots[0] if len(roots) == 1 else None
    if not isinstance(root, MappingNode):
        raise NotRendered([Problem(text.place(0, 0), "a file of variables is one map from names to values")])
    problems = [
        Problem(
            text.place(key.start_mark.index, key.end_mark.index),
            "no name of a variable, which has letters, digits, -_./",
        )
        for key, _ in root.value
        if not (isinstance(key, ScalarNode) and _NAME.fullmatch(key.value))
    ]
    if problems:
        raise NotRendered(problems)
