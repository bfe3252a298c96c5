import asyncio

import pytest

from payme.features.identity.services.remembered import Remembered


class Source:
    def __init__(self) -> None:
        self.asked = 0
        self.value = "first"
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, key: str) -> str:
        self.asked += 1
        value = self.value
        await self.gate.wait()
        return f"{key}:{value}"


async def test_what_is_known_is_not_asked_again():
    kept, source = Remembered[str, str](30), Source()
    assert [await kept.get("a", source) for _ in range(3)] == ["a:first"] * 3
    assert source.asked == kept.lookups == 1


async def test_many_who_ask_at_once_share_one_look_up():
    kept, source = Remembered[str, str](30), Source()
    source.gate.clear()
    waiting = [asyncio.create_task(kept.get("a", source)) for _ in range(20)]
    while source.asked == 0:
        await asyncio.sleep(0)
    source.gate.set()
    assert set(await asyncio.gather(*waiting)) == {"a:first"}
    assert source.asked == 1


async def test_what_was_forgotten_during_its_look_up_is_not_remembered():
    kept, source = Remembered[str, str](30), Source()
    source.gate.clear()
    slow = asyncio.create_task(kept.get("a", source))
    while source.asked == 0:
        await asyncio.sleep(0)
    source.value = "second"
    kept.forget("a")
    source.gate.set()
    assert await slow == "a:first"
    assert await kept.get("a", source) == "a:second"


async def test_nothing_outlives_its_time_and_the_oldest_leave_first():
    kept, source = Remembered[str, str](0), Source()
    await kept.get("a", source)
    await kept.get("a", source)
    assert source.asked == 2
    small = Remembered[str, str](30, most=2)
    for key in ("a", "b", "c", "b", "c", "a"):
        await small.get(key, source)
    assert small.lookups == 4


async def test_a_failure_reaches_everybody_who_waits_and_is_not_remembered():
    kept, source = Remembered[str, str](30), Source()

    async def fail(key: str) -> str:
        await source(key)
        raise LookupError(key)

    with pytest.raises(LookupError):
        await kept.get("a", fail)
    assert await kept.get("a", source) == "a:first"
    kept.forget_all()
    assert await kept.get("a", source) == "a:first"
    assert source.asked == 3


async def test_when_the_one_who_looks_it_up_goes_away_somebody_else_does_it():
    kept, source = Remembered[str, str](30), Source()
    source.gate.clear()
    first = asyncio.create_task(kept.get("a", source))
    while source.asked == 0:
        await asyncio.sleep(0)
    others = [asyncio.create_task(kept.get("a", source)) for _ in range(3)]
    for _ in range(3):
        await asyncio.sleep(0)
    first.cancel()
    others[0].cancel()
    source.gate.set()
    results = await asyncio.gather(first, *others, return_exceptions=True)
    assert [isinstance(each, asyncio.CancelledError) for each in results] == [True, True, False, False]
    assert results[2:] == ["a:first", "a:first"]
    assert source.asked == 2
