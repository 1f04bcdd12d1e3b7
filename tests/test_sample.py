"""The shipped sample: builds silently and adds up."""

from conftest import Build


def test_the_sample_builds_without_a_warning(sample: Build) -> None:
    assert sample.warnings == []
    assert sample.value("select count(*) from customers") > 400
