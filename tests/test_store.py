"""What is left of a job for who still reads as it is deleted: nothing, and no error."""

import pytest

from ledgers import finish, in_store, read_job, submit

pytestmark = pytest.mark.usefixtures("clean_redis")


@pytest.mark.parametrize("sizes", [(2,), (2, 2)])
def test_a_job_that_is_deleted_meanwhile_has_no_images(redis_url: str, sizes: tuple[int, ...]) -> None:
    submit(redis_url, "a", sizes)
    finish(redis_url)
    job = read_job(redis_url, "a")
    assert len(in_store(redis_url, lambda store: store.items(job, 0, 10))) == sum(sizes)
    assert in_store(redis_url, lambda store: store.delete(job.name)) == "deleted"
    assert in_store(redis_url, lambda store: store.items(job, 0, 10)) == []
    assert in_store(redis_url, lambda store: store.chunk(job.name, 0)) == []
    assert in_store(redis_url, lambda store: store.payload(job.name, 0)) == (None, 0)
