"""The catalog finds every optimization and refuses builds that make no sense."""

from __future__ import annotations

from pathlib import Path

import pytest

import engine.optimizations
from engine import FOCUSES, InputError, catalog, compose
from engine.catalog import REFERENCE, extend, find, optimization
from engine.subject import SUBJECT


def test_every_file_of_the_folder_is_in_the_catalog() -> None:
    folder = Path(engine.optimizations.__path__[0])
    files = {
        f"{path.parent.name.replace('_', '-')}/{path.stem}" for path in folder.glob("*/*.py") if path.stem != "__init__"
    }
    assert files == {one.name for one in catalog()}


@pytest.mark.parametrize("one", SUBJECT.candidates(), ids=lambda one: one.name)
def test_every_optimization_tells_the_reviewer_all_that_a_notice_needs(one) -> None:
    assert one.focus in FOCUSES
    assert one.title.endswith(".")
    assert one.how
    assert one.exact
    assert one.risk
    assert one.requires == () or set(one.requires) <= {other.name for other in catalog()}


def test_the_empty_build_is_the_reference() -> None:
    assert compose([]) == REFERENCE


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"unknown optimization 'x/y'.*vectorization/array_feed"):
        compose(["x/y"])


def test_a_build_without_what_it_requires_is_refused() -> None:
    with pytest.raises(InputError, match="requires vectorization/array_feed"):
        compose(["vectorization/masked_rules"])


def test_a_build_that_would_drop_a_wrapper_is_refused() -> None:
    build = ["vectorization/array_feed", "caching/feature_cache", "vectorization/column_features"]
    with pytest.raises(InputError, match="must stand before caching/feature_cache"):
        compose(build)


def test_a_build_with_the_same_twice_is_refused() -> None:
    with pytest.raises(InputError, match="twice"):
        compose(["vectorization/array_feed"] * 2)


def test_extending_a_build_puts_the_newcomer_where_it_may_stand() -> None:
    build = extend(("vectorization/array_feed", "caching/feature_cache"), "vectorization/column_features")
    assert build == ("vectorization/array_feed", "vectorization/column_features", "caching/feature_cache")
    compose(build)


def test_extending_keeps_requirements_before_what_requires_them() -> None:
    build = extend(("caching/feature_cache", "vectorization/array_feed"), "vectorization/column_features")
    assert build == ("vectorization/array_feed", "vectorization/column_features", "caching/feature_cache")


def test_an_optimization_of_an_unknown_component_is_refused() -> None:
    with pytest.raises(InputError, match=r"unknown component 'brokre'.*broker"):
        optimization(component="brokre")


def test_find_returns_the_optimization_of_a_name() -> None:
    assert find("caching/feature_cache").component == "features"
