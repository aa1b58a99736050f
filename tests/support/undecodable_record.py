"""A record that aiokafka can't decode: a header's name is no UTF-8."""

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.util import calc_crc32c


async def append_undecodable(producer: AIOKafkaProducer, topic: str, partition: int) -> None:
    """Append such a record to a partition, past the producer."""
    builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, 1000)
    builder.append(0, timestamp=0, key=None, value=b"", headers=[("abcd", b"")])
    batch = bytearray(builder.build().replace(b"abcd", b"\xff\xfe\xfd\xfc"))
    batch[17:21] = calc_crc32c(bytes(batch[21:])).to_bytes(4, "big")
    leader = producer.client.cluster.leader_for_partition(TopicPartition(topic, partition))
    await producer.client.send(leader, ProduceRequest(None, -1, 5000, [(topic, [(partition, bytes(batch))])]))
