"""A micro-batch is one Spark job of one stage: a task for each partition, no shuffle."""

from __future__ import annotations

from pyspark.sql import SparkSession
from recordings import NewParts, Recording


def test_a_batch_is_one_job_without_a_shuffle(
    beam: Recording, new_parts: NewParts, spark: SparkSession
) -> None:
    parts = new_parts(
        source__kind="files",
        source__files=[str(beam.path)],
        source__loop=False,
        producer__rows_per_s=20_000,
        producer__linger_ms=100,
        analysis__slices_per_batch=4,
        analysis__slices_per_arrow_batch=4,
    )
    parts.begin_run()
    parts.produce()
    with parts.analysing(spark):
        parts.wait_until_through()
        (query,) = spark.streams.active
        run_id = query.runId
    measured = [result for result in parts.results() if result.summary.numbers.seen]
    assert len(measured) > 5

    tracker = spark.sparkContext.statusTracker()
    jobs = [tracker.getJobInfo(job) for job in tracker.getJobIdsForGroup(run_id)]
    assert len(jobs) == len(measured)
    stages = [tracker.getStageInfo(stage) for job in jobs for stage in job.stageIds]
    assert len(stages) == len(jobs)
    assert {stage.numTasks for stage in stages} <= {1, parts.settings.topics.stream.partitions}
