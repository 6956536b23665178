"""``python -m harness.verbs.build_images [NAME...]``: build images (all by default), telling on stderr."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from harness.catalogue import made_of
from harness.errors import RehearsalError
from harness.labs import images
from harness.system.plain import say


def main(names: Sequence[str]) -> int:
    """Build images (all by default), telling on stderr."""

    def tell(name: str, done: float, text: str) -> None:
        sys.stderr.write(f"image {name}: {done:4.0%} {text}\n")

    try:
        known = made_of().images
        images.ensure(known, names or list(known), tell)
    except RehearsalError as error:
        say(str(error))
        return error.exit_status
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
