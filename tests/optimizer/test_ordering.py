"""The order of the candidates follows from the profile, as far as their requirements allow."""

from __future__ import annotations

from engine.subject import SUBJECT
from optimizer.ordering import next_of, with_required

SHARES = {"loop": 0.5, "features": 0.3, "feed": 0.1, "broker": 0.06, "rules": 0.04}


def test_what_is_required_comes_first_then_the_costliest_component() -> None:
    pending = list(SUBJECT.candidates())
    order = []
    while pending:
        order.append(next_of(pending, SHARES))
        pending.remove(order[-1])
    names = [one.name for one in order]
    assert names[0] == "vectorization/array_feed"
    for one in order:
        assert all(names.index(needed) < names.index(one.name) for needed in (*one.requires, *one.after))


def test_what_a_candidate_requires_joins_the_control_and_is_named() -> None:
    candidate = next(one for one in SUBJECT.candidates() if one.name == "vectorization/soa_broker")
    build, joined = with_required(SUBJECT, (), candidate)
    assert set(joined) == set(build)
    assert set(candidate.requires) <= set(build)
    SUBJECT.check_build(SUBJECT.extend(build, candidate.name))
