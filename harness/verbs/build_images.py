"""``python -m harness.verbs.build_images [NAME...]``: build images (all of the lab's own by default), telling
on stderr; of those that the user added it is looked whether they are as they were."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from harness.catalogue import made_of
from harness.catalogue.sources import added_images
from harness.errors import RehearsalError
from harness.labs import images
from harness.system.plain import say


def main(names: Sequence[str]) -> int:
    """Build images (all by default), telling on stderr."""

    def tell(name: str, done: float, text: str) -> None:
        sys.stderr.write(f"image {name}: {done:4.0%} {text}\n")

    try:
        known = made_of(*added_images()).images
        images.ensure(known, names or [name for name, one in known.items() if not one.added], tell)
    except RehearsalError as error:
        say(str(error))
        return error.exit_status
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
