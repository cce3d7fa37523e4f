"""Jobs on their way from those who work to the window."""

from __future__ import annotations

from app.ui.background.jobs import Job, JobEnd, JobProgress, JobSource


def test_a_job_is_followed_from_its_begin_to_its_end() -> None:
    source, seen = JobSource(), list[object]()
    for signal in (source.began, source.advanced, source.ended):
        signal.connect(seen.append)
    job = Job("counting", lambda: None)
    source.begin(job)
    source.advance(job, 3_000_000_000, 5_000_000_000, False)  # more than 32 bits
    source.end(job, "5 counted")
    assert seen == [job, JobProgress(job, 3_000_000_000, 5_000_000_000, False), JobEnd(job, "5 counted")]
