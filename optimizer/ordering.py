"""In which order candidates are tried: by the profile, as far as their requirements allow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from optimizer.subject import Build, Candidate, Subject


def in_order(candidates: Sequence[Candidate], shares: Mapping[str, float]) -> Iterator[Candidate]:
    """Yield candidates, that of the costliest component first among those that wait for none of the others."""
    pending = {candidate.name: candidate for candidate in candidates}
    while pending:
        free = [one for one in pending.values() if not ({*one.requires, *one.after} & pending.keys())]
        if not free:
            raise ValueError(f"these wait for each other: {', '.join(pending)}")
        chosen = min(free, key=lambda one: (-shares.get(one.component, 0.0), one.name))
        del pending[chosen.name]
        yield chosen


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
