"""Find the server's boot jar: the option, our cache, `~/.conductor`, and at last Maven, which fills the cache."""

from __future__ import annotations

import contextlib
import os
import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pytest_k1n.servers import maven
from pytest_k1n.servers.cache import cache_folder, is_intact, locked, record_checksum, recorded_checksum, sha256_of
from pytest_k1n.servers.errors import JarDamaged, JarNotFound, ServerError
from pytest_k1n.servers.probe import OLDEST_SUPPORTED, version_number
from pytest_k1n.servers.protocol import SERVER_VERSION, Report
from pytest_k1n.servers.releases import KNOWN

KNOWN_SHA256 = {each.version: each.sha256 for each in KNOWN.values() if each.sha256}
"""Checksums of released jars; one that is fetched under such a version has to match."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BootJar:
    """A boot jar that says it is a Conductor server."""

    path: Path
    version: str | None
    origin: str
    is_cached: bool = False
    """Whether it lies in our cache, where it never changes."""


def find_jar(
    option: Path | None = None,
    *,
    version: str = SERVER_VERSION,
    report: Report,
    environ: Mapping[str, str] | None = None,
    fetch: bool = True,
) -> BootJar:
    """Return the boot jar, fetching it if need be and allowed; `option` is final if given.

    Safe against concurrent callers: they wait for the one that fetches. Raises JarNotFound or JarDamaged.
    """
    if option is not None:
        return _from_option(option.expanduser().absolute())
    checked: list[tuple[str, str]] = []
    folder = cache_folder(environ) / version
    found = _from_cache(folder, version, report, checked) or _from_home(version, report, checked)
    if found:
        return found
    if not fetch:
        raise JarNotFound(f"The Conductor server {version} is not here yet.", *checked, remedy="letting Maven fetch it")
    try:
        return _from_maven(folder, version, report, environ)
    except JarNotFound as error:
        error.facts = (*error.facts, *checked)
        raise


def _from_option(path: Path) -> BootJar:
    if not path.is_file():
        raise JarNotFound(f"--k1n-jar: {path} is not a file.", remedy="the path of a conductor-server boot jar")
    return BootJar(path=path, version=_inspect(path, "--k1n-jar"), origin="--k1n-jar")


def _from_cache(folder: Path, version: str, report: Report, checked: list[tuple[str, str]]) -> BootJar | None:
    path = folder / maven.jar_name(version)
    if not path.is_file():
        checked.append(("checked", f"cache: {path} is not there"))
        return None
    if recorded_checksum(path) is None:
        # Put there by hand: as good as a fetched one, if it is one.
        try:
            _inspect(path, "cache")
            digest = _checksum(path, version)
        except JarDamaged as error:
            checked.append(("checked", error.line))
            return None
        with contextlib.suppress(OSError):  # a cache that may only be read: checked again next time
            record_checksum(path, digest)
        return BootJar(path=path, version=version, origin="cache", is_cached=True)
    if not is_intact(path):
        report(f"the cached {path.name} does not have its recorded sha256: fetching it anew")
        checked.append(("checked", f"cache: {path} does not have its recorded sha256"))
        return None
    return BootJar(path=path, version=version, origin="cache", is_cached=True)


def _from_home(version: str, report: Report, checked: list[tuple[str, str]]) -> BootJar | None:
    path = Path.home() / ".conductor/conductor-server.jar"
    if not path.is_file():
        checked.append(("checked", f"{path} is not there"))
        return None
    try:
        found = _inspect(path, str(path))
    except JarDamaged as error:
        checked.append(("checked", error.line))
        return None
    if found != version and version != SERVER_VERSION:  # one was asked for by name
        checked.append(("checked", f"{path} is {found or 'of an unnamed version'}"))
        return None
    if found != version:
        report(f"using {path}, which is {found or 'of an unnamed version'}, not {version}")
    return BootJar(path=path, version=found, origin="~/.conductor")


def _from_maven(folder: Path, version: str, report: Report, environ: Mapping[str, str] | None) -> BootJar:
    final = folder / maven.jar_name(version)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with locked(
            folder / ".lock",
            within_s=maven.FETCH_WITHIN_S,
            waiting=lambda waited: report(f"another run is fetching the Conductor server {version} ({waited})"),
        ):
            if cached := _from_cache(folder, version, report, []):
                return cached
            _remove_leftovers(folder)
            # A folder inside the cache: the same file system, so that the jar appears in one step or not at all.
            temporary = folder / f".fetch-{os.getpid()}"
            with maven.fetched(version, temporary, report=report, environ=environ) as fetched:
                _inspect(fetched, "the fetched jar")
                record_checksum(final, _checksum(fetched, version), of=fetched)
                fetched.replace(final)
    except ServerError:
        raise
    except OSError as error:
        raise JarNotFound(
            f"The cache for the Conductor server cannot be used: {error}.",
            remedy="a folder you may write, in XDG_CACHE_HOME, or --k1n-jar=FILE",
        ) from None
    return BootJar(path=final, version=version, origin="Maven", is_cached=True)


def _remove_leftovers(folder: Path) -> None:
    """Remove what a fetch left whose supervisor was killed too; only the holder of the lock may."""
    for leftover in folder.glob(".fetch-*"):
        shutil.rmtree(leftover, ignore_errors=True)


def _checksum(path: Path, version: str) -> str:
    digest = sha256_of(path)
    if digest != KNOWN_SHA256.get(version, digest):
        raise JarDamaged(
            f"{path.name} is not the released Conductor {version}: its sha256 is {digest}.",
            remedy="another Maven repository, or a jar that you trust with --k1n-jar=FILE",
        )
    return digest


def _inspect(path: Path, origin: str) -> str | None:
    """Return the version in the manifest. Raises JarDamaged if this is no Conductor server that we support."""
    remedy = f"a conductor-server {OLDEST_SUPPORTED[0]}.{OLDEST_SUPPORTED[1]} or newer boot jar"
    try:
        with zipfile.ZipFile(path) as archive:
            manifest = archive.read("META-INF/MANIFEST.MF").decode("utf-8", "replace")
    except (zipfile.BadZipFile, KeyError, OSError) as error:
        raise JarDamaged(f"{origin}: {path} is not a whole jar file ({error}).", remedy=remedy) from None
    # A manifest's long lines go on after a newline and one blank.
    unfolded = manifest.replace("\r\n", "\n").replace("\n ", "")
    entries = dict(line.split(": ", 1) for line in unfolded.splitlines() if ": " in line)
    names = f"{entries.get('Implementation-Title', '')} {entries.get('Start-Class', '')}"
    if "conductor" not in names.lower():
        raise JarDamaged(f"{origin}: {path} is a jar, but not of a Conductor server.", remedy=remedy)
    version = entries.get("Implementation-Version")
    number = version_number(version) if version else None
    if number and number < OLDEST_SUPPORTED and version not in KNOWN:
        raise JarDamaged(f"{origin}: {path} is Conductor {version}, which is too old.", remedy=remedy)
    return version
