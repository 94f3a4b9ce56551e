"""
A Celery worker as its documentation recommends for many short tasks: late acks (as everyone here acks after the
work), a high prefetch, no results, no events, no gossip.

    celery_worker.py '{"url", "queue", "queueType", "messages", "prefetch", "processes", "name", "value"}'

Prints "ready" when it consumes, "acked N" once a second, and at the end one line of JSON (ForeignReport, contender.ts).
Start, end and acks are taken where basic.consume and basic.ack are written, as for contenders in Node.

What tasks were given is kept in memory that the pool's processes share: of each message the number of calls and its id.
The checksum is made of it after the run, because it would be a tenth of a task's time in Python.

    0            messages                            messages * 42             + 4 each
    | calls, u8  | id, 41 bytes each                 | foreign calls, u32, by process
"""
import json
import mmap
import os
import resource
import signal
import struct
import sys
import threading
import time
import warnings

import amqp
from billiard import current_process
from celery import Celery
from celery.signals import worker_ready
from celery.worker.consumer.delayed_delivery import DelayedDelivery
from kombu import Exchange, Queue

ID_BYTES = 41
INDEX_DIGITS = 12
MOST_PROCESSES = 256
# A quorum queue's channel drops acks that it has not passed on yet when it is closed.
SETTLE_SECONDS = 1

job = json.loads(sys.argv[1])
messages = job["messages"]
memory = mmap.mmap(-1, messages * (1 + ID_BYTES) + 4 * MOST_PROCESSES)
ids_at = messages
foreign_at = messages * (1 + ID_BYTES)

# It would leave 28 queues for delayed tasks on the broker, of which there are none here.
DelayedDelivery.include_if = lambda self, consumer: False
warnings.filterwarnings("ignore", message=".*superuser.*")

app = Celery("bench", broker=job["url"], set_as_current=True)
queue = Queue(
    job["queue"],
    exchange=Exchange(""),
    routing_key=job["queue"],
    queue_arguments={"x-queue-type": job["queueType"]},
    no_declare=True,
)
app.conf.update(
    task_queues=[queue],
    task_default_queue=job["queue"],
    task_acks_late=True,
    task_ignore_result=True,
    worker_prefetch_multiplier=-(-job["prefetch"] // job["processes"]),
    worker_disable_rate_limits=True,
    worker_enable_remote_control=False,
    worker_redirect_stdouts=False,
    accept_content=["json"],
)


@app.task(name="record")
def record(signature):
    identity = signature["UUID"]
    index = int(identity[-INDEX_DIGITS:], 16)
    whole = signature["Name"] == job["name"] and signature["Args"][0]["Value"] == job["value"]
    if whole and index < messages and len(identity) == ID_BYTES:
        memory[index] = min(memory[index] + 1, 255)
        at = ids_at + index * ID_BYTES
        memory[at : at + ID_BYTES] = identity.encode()
        return
    at = foreign_at + 4 * getattr(current_process(), "index", 0)
    struct.pack_into("<I", memory, at, struct.unpack_from("<I", memory, at)[0] + 1)


def fnv(value, text):
    for byte in text:
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return value


def handled():
    tail = (job["name"] + job["value"]).encode()
    checksum = 0
    for index in range(messages):
        at = ids_at + index * ID_BYTES
        if memory[index] > 0:
            checksum += memory[index] * fnv(0x811C9DC5, memory[at : at + ID_BYTES] + tail)
    calls = sum(memory[0:messages])
    foreign = sum(struct.unpack_from("<%dI" % MOST_PROCESSES, memory, foreign_at))
    distinct = messages - memory[0:messages].count(0)
    return {"calls": calls + foreign, "distinct": distinct, "foreign": foreign, "checksum": checksum & 0xFFFFFFFF}


def children():
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/stat" % name) as stat:
                fields = stat.read().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue  # no process, or one that has just ended
        if int(fields[1]) == os.getpid():
            found.append((name, fields))
    return found


def cpu_micros():
    """Of this process and those of the pool."""
    ticks = sum(int(fields[11]) + int(fields[12]) for _, fields in children())
    return (time.process_time() + ticks / os.sysconf("SC_CLK_TCK")) * 1e6


def peak_rss_mib():
    kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for name, _ in children():
        with open("/proc/%s/status" % name) as status:
            kib += sum(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
    return kib // 1024


class Run:
    start = start_cpu = told = 0.0
    acked = 0


def now_ms():
    return time.monotonic() * 1e3


def say(text):
    print(text, flush=True)


def end():
    end_ms = now_ms()
    cpu = cpu_micros() - Run.start_cpu
    report = {"startMs": Run.start, "endMs": end_ms, "cpuMicros": cpu, "acked": Run.acked}
    say(json.dumps({**report, "peakRssMiB": peak_rss_mib(), "handled": handled()}))
    threading.Timer(SETTLE_SECONDS, os.kill, [os.getpid(), signal.SIGTERM]).start()


basic_consume, basic_ack = amqp.Channel.basic_consume, amqp.Channel.basic_ack


def watched_consume(channel, queue="", *args, **settings):
    if queue == job["queue"]:
        Run.start, Run.start_cpu = now_ms(), cpu_micros()
        Run.told = Run.start
    return basic_consume(channel, queue, *args, **settings)


def watched_ack(channel, *args, **settings):
    written = basic_ack(channel, *args, **settings)
    Run.acked += 1
    if Run.acked == messages:
        end()
    elif now_ms() - Run.told > 1000:
        Run.told = now_ms()
        say("acked %d" % Run.acked)
    return written


def end_with_harness():
    os.read(0, 1)  # until whoever started this is gone; sys.stdin's lock would be held in the pool's processes
    for pid, _ in children():
        os.kill(int(pid), signal.SIGKILL)
    os._exit(1)


threading.Thread(target=end_with_harness, daemon=True).start()
amqp.Channel.basic_consume, amqp.Channel.basic_ack = watched_consume, watched_ack
worker_ready.connect(lambda **_: say("ready"), weak=False)
worker = app.Worker(
    pool="prefork",
    concurrency=job["processes"],
    loglevel="WARNING",
    quiet=True,
    without_gossip=True,
    without_mingle=True,
    without_heartbeat=True,
)
worker.start()
