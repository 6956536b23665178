"""``rehearse plan --matrix`` and ``rehearse cache-key``: what a CI system asks before it begins."""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import sys

from harness.catalogue import Catalogue
from harness.errors import UsageError
from harness.labs import images
from harness.labs.images.build import recipe
from harness.planning.plan import Plan
from harness.record import shards
from harness.record.forecast import forecasts
from harness.report.language import DEFAULT, language
from harness.report.planned import foreseen, in_numbers
from harness.reuse import around
from harness.servers.base import HOST
from harness.system.paths import added_images_dir
from harness.system.plain import say
from harness.verbs import reusing
from harness.verbs.run import planned

FEWEST = 4
"""Shards, where nobody says how many, and the plan has so many servers to start."""


def matrix(catalogue: Catalogue, options: argparse.Namespace, made: Plan) -> int:
    """Print the shards of a plan as a CI system takes them; on stderr for people."""
    parts = shards.split(catalogue, made, options.shards or min(FEWEST, len(made.jobs)))
    times = forecasts(catalogue, parts, options.runs)
    say_in = language(DEFAULT)
    told = [
        f"shard {number}/{len(parts)}: {in_numbers(part, say_in)}, {foreseen(time, say_in)}"
        for number, (part, time) in enumerate(zip(parts, times, strict=True), 1)
    ]
    if options.matrix == "gitlab":
        for line in (*(f"# {line}" for line in told), "rehearse:", f"  parallel: {len(parts)}"):
            say(line, sys.stdout)
        return 0
    rows = [
        {
            "shard": f"{number}/{len(parts)}",
            "cells": len(part.cells),
            "servers": len(part.jobs),
            "seconds": [round(time.least), round(time.most)],
        }
        for number, (part, time) in enumerate(zip(parts, times, strict=True), 1)
    ]
    print(json.dumps({"include": rows}))
    for line in told:
        say(line)
    return 0


def _results_key(options: argparse.Namespace) -> int:
    """What is measured by other code of ours is of no use, so that it need not be carried about."""
    key = f"smb-rehearsal-results-{platform.machine()}-{around.code(around.HERE)[:16]}"
    if options.json:
        print(json.dumps({"key": key, "path": str(reusing.folder())}, indent=2))
    else:
        say(key, sys.stdout)
    return 0


def cache_key(options: argparse.Namespace) -> int:
    """Print the key under which the images of a plan are to be cached; of all images without words."""
    catalogue: Catalogue = options.catalogue
    if options.results:
        return _results_key(options)
    wanted = planned(catalogue, options).images(catalogue) if options.what else tuple(catalogue.images)
    names = sorted(name for name in wanted if name != HOST)
    if not names:
        raise UsageError("this plan needs no image", "there is nothing to cache")
    recipes = [f"{name}={recipe(catalogue.images[name])}" for name in names]
    digest = hashlib.sha256("\n".join(recipes).encode()).hexdigest()[:16]
    key = f"smb-rehearsal-images-{platform.machine()}-{digest}"
    mine = [name for name in names if catalogue.images[name].added]
    if options.json:
        found = {
            "key": key,
            "path": str(images.store(catalogue.images).base),
            "images": names,
            # What is not in that folder: the user's own, which no rehearsal can build.
            "added": {"path": str(added_images_dir()), "images": mine},
        }
        print(json.dumps(found, indent=2))
    else:
        say(key, sys.stdout)
    return 0
