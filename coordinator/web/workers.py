"""The workers of one `serve --workers N`: whichever is scraped shows what all of them count.

Each worker tells what it counts to whoever connects to its unix socket, in a directory that only
their user can enter; the one that is scraped asks the others. One that does not answer in time is
left out: its series end, as those of a replica that is away do.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
from prometheus_client import Metric

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable
    from pathlib import Path

    from prometheus_client.samples import Sample

ANSWER_WITHIN = 1.0
LABEL = "worker"


@dataclass(frozen=True, slots=True)
class Place:
    """Which worker this is, of how many, and where their sockets are."""

    number: int
    count: int
    directory: Path

    def socket(self, number: int) -> str:
        """Return the path of a worker's socket."""
        return str(self.directory / f"{number}.sock")


class _Family(msgspec.Struct, array_like=True):
    """A metric on its way from one worker to another."""

    name: str
    documentation: str
    kind: str
    samples: list[tuple[str, dict[str, str], float]]


_families = msgspec.json.Decoder(list[_Family])


class Workers:
    """One of the workers, and what it knows of the others."""

    def __init__(self, place: Place) -> None:
        self._place = place

    @asynccontextmanager
    async def told(self, own: Callable[[], Iterable[Metric]]) -> AsyncIterator[None]:
        """Tell the others what this worker counts, for as long as the context lasts."""

        async def tell(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(msgspec.json.encode([_sendable(family) for family in self._named(own())]))
            with suppress(OSError):
                await writer.drain()
            writer.close()

        async with await asyncio.start_unix_server(tell, self._place.socket(self._place.number)):
            yield

    async def together(self, own: Iterable[Metric]) -> list[Metric]:
        """Return the families of all workers, each series with the number of its worker."""
        others = [n for n in range(self._place.count) if n != self._place.number]
        found = {family.name: family for family in self._named(own)}
        for told in await asyncio.gather(*map(self._ask, others)):
            for name, documentation, kind, samples in map(msgspec.structs.astuple, told):
                family = found.setdefault(name, Metric(name, documentation, kind))
                for sample in samples:
                    family.add_sample(*sample)
        return list(found.values())

    async def _ask(self, number: int) -> list[_Family]:
        """Ask another worker; one that is not there has counted nothing."""
        with suppress(OSError, TimeoutError, msgspec.DecodeError):
            async with asyncio.timeout(ANSWER_WITHIN):
                reader, writer = await asyncio.open_unix_connection(self._place.socket(number))
                try:
                    return _families.decode(await reader.read())
                finally:
                    writer.close()
        return []

    def _named(self, families: Iterable[Metric]) -> Iterable[Metric]:
        for family in families:
            family.samples = [self._with_number(sample) for sample in family.samples]
            yield family

    def _with_number(self, sample: Sample) -> Sample:
        return sample._replace(labels={**sample.labels, LABEL: str(self._place.number)})


def _sendable(family: Metric) -> _Family:
    samples = [(sample.name, sample.labels, sample.value) for sample in family.samples]
    return _Family(family.name, family.documentation, family.type, samples)
