"""In which order candidates are tried: by the profile, as far as their requirements allow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from optimizer.errors import InputError
from optimizer.subject import Build, Candidate, Subject


def next_of(
    pending: Sequence[Candidate], shares: Mapping[str, float], focuses: Mapping[str, float] | None = None
) -> Candidate:
    """Return the candidate for the costliest component, among those that wait for none of the others.

    Of several for one component it is that of the focus which the profile speaks for most, by the shares in `focuses`;
    then the first by name.
    """
    names = {candidate.name for candidate in pending}
    free = [one for one in pending if not ({*one.requires, *one.after} & names)]
    if not free:
        raise InputError(f"these wait for each other: {', '.join(sorted(names))}", hint="See their requires and after")
    spoken_for = focuses or {}
    return min(free, key=lambda one: (-shares.get(one.component, 0.0), -spoken_for.get(one.focus, 0.0), one.name))


def with_required(subject: Subject, build: Build, candidate: Candidate) -> tuple[Build, Build]:
    """Return the build with all that the candidate requires, and what had to join it for that."""
    known = {one.name: one for one in subject.candidates()}
    joined: list[str] = []

    def join(name: str) -> None:
        nonlocal build
        if name not in build:
            for needed in known[name].requires:
                join(needed)
            build = subject.extend(build, name)
            joined.append(name)

    for needed in candidate.requires:
        join(needed)
    return build, tuple(joined)


def without(subject: Subject, build: Build, names: Sequence[str]) -> Build:
    """Return a build without these optimizations, and without what requires them."""
    requires = {one.name: one.requires for one in subject.candidates()}
    left = set(names)
    for name in build:  # what an optimization requires stands before it
        if left & set(requires.get(name, ())):
            left.add(name)
    return tuple(name for name in build if name not in left)
