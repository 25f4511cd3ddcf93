"""The usual design, for comparison: one record a hit, columns by Spark SQL, a groupBy for each statistic.

It is tuned as its best public users do: 2 shuffle partitions, the batch cached and bounded, so that one that
falls behind does so without running out of memory, the checkpoint manager that does not fork.
Run as a script: plain_analysis.py DOCUMENT OUTPUT JARS; a line of JSON a batch goes to OUTPUT.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pyspark.sql.functions as F  # noqa: N812 - the usual name
from kafka import KafkaProducer
from pyspark.sql import DataFrame, SparkSession

from cosmo.detector import DRIFT_HIGH_NS, DRIFT_LOW_NS
from cosmo.settings import Settings

ROWS_PER_BATCH = 500_000
OFFSET_NS = {0: 93.9, 1: 101.4, 2: 95.5, 3: 92.4}


def main(document: Path, output: Path, jars: str) -> None:
    settings = Settings.load(document)
    work = settings.paths.data / "plain"
    spark = (
        SparkSession.builder.appName("plain")
        .master("local[*]")
        .config("spark.jars", jars)
        .config("spark.driver.memory", "2g")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.sql.execution.arrow.pyspark.enabled", "true")
        .config(
            "spark.sql.streaming.checkpointFileManagerClass",
            "org.apache.spark.sql.execution.streaming.FileSystemBasedCheckpointFileManager",
        )
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    records = (
        spark.readStream.format("kafka")
        .option("kafka.bootstrap.servers", settings.kafka_address)
        .option("subscribe", settings.topics.stream.name)
        .option("startingOffsets", "earliest")
        .option("maxOffsetsPerTrigger", ROWS_PER_BATCH)
        .load()
    )
    field = F.split(F.col("value").cast("string"), ",")
    names = (
        ("head", "int"),
        ("fpga", "int"),
        ("channel", "int"),
        ("orbit", "long"),
        ("bx", "int"),
        ("tdc", "double"),
    )
    hits = records.select(
        "timestamp", *(field[i].cast(kind).alias(name) for i, (name, kind) in enumerate(names))
    )
    publisher = KafkaProducer(bootstrap_servers=settings.kafka_address)

    def batch(frame: DataFrame, number: int) -> None:
        began = time.time()
        result = statistics(frame.cache())
        publisher.send(settings.topics.results.name, json.dumps(result, default=str).encode()).get(30)
        frame.unpersist()
        now = time.time()
        line = {"batch": number, "ms": 1000 * (now - began), "rows": result["rows"], "published": now}
        line |= {"first": result["first"], "last": result["last"]}
        with output.open("a") as file:
            file.write(json.dumps(line) + "\n")

    hits.writeStream.foreachBatch(batch).option("checkpointLocation", str(work)).start().awaitTermination()


def statistics(rows: DataFrame) -> dict:
    """Return the six statistics of one batch, one query after the other."""
    sent = F.col("timestamp").cast("double")
    span = rows.agg(F.count("*").alias("n"), F.min(sent).alias("first"), F.max(sent).alias("last")).toPandas()
    hits = rows.where("head = 2")
    chamber = F.when(
        (F.col("fpga") < 2) & (F.col("channel") < 128), 2 * F.col("fpga") + F.floor(F.col("channel") / 64)
    )
    hits = hits.withColumn("chamber", chamber)
    in_chamber = hits.where("chamber is not null").withColumn("cell", F.col("channel") % 64)
    scintillators = (
        hits.where("fpga = 1 and channel = 128")
        .groupBy("orbit")
        .agg(F.min(F.col("bx") * 25 + F.col("tdc") * 25 / 30).alias("start_ns"))
    )
    triggered = in_chamber.join(scintillators, "orbit")
    offset = F.element_at(
        F.create_map(*(F.lit(v) for pair in OFFSET_NS.items() for v in pair)), F.col("chamber").cast("int")
    )
    drift = F.col("bx") * 25 + F.col("tdc") * 25 / 30 - F.col("start_ns") + offset
    # As far as the histogram goes: hits of an orbit are up to 89 us apart, and each ns would be a bin.
    drift_bin = F.floor(F.greatest(F.lit(DRIFT_LOW_NS - 1), F.least(F.lit(DRIFT_HIGH_NS), drift)))
    active = in_chamber.groupBy("chamber", "orbit").agg(F.countDistinct("cell").alias("active"))
    frames = {
        "hits": hits.agg(F.count("*")),
        "by_chamber": in_chamber.groupBy("chamber").count(),
        "occupancy": in_chamber.groupBy("chamber", "cell").count(),
        "active": active.groupBy("chamber", "active").count(),
        "active_by_orbit": active.groupBy("chamber", F.floor(F.col("orbit") / 1024)).agg(
            F.sum("active"), F.max("active")
        ),
        "scintillator_occupancy": triggered.groupBy("chamber", "cell").count(),
        "drift": triggered.groupBy("chamber", drift_bin.alias("drift_ns")).count(),
        "scintillators": hits.where("fpga = 1 and channel = 128").agg(F.count("*")),
        "ancillary": rows.where("head != 2").groupBy("head").count(),
        "unmapped": hits.where("chamber is null").agg(F.count("*")),
    }
    result = {name: frame.toPandas().to_dict("list") for name, frame in frames.items()}
    return {
        **result,
        "rows": int(span["n"][0]),
        "first": float(span["first"][0] or 0),
        "last": float(span["last"][0] or 0),
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
