"""A queue that is fair between clients."""

from __future__ import annotations

import random

from plugin_server.jobs.queue import Client, FairQueue

ANNA, BEN = Client("10.0.0.1", "GIMP"), Client("10.0.0.2", "curl")


def filled(*items: tuple[Client, str]) -> FairQueue[str]:
    turns: FairQueue[str] = FairQueue()
    for client, item in items:
        turns.add(client, item)
    return turns


def taken(turns: FairQueue[str]) -> list[str]:
    found = []
    while (item := turns.take()) is not None:
        found.append(item)
    return found


def test_one_client_is_served_in_the_order_of_its_asking() -> None:
    assert taken(filled((ANNA, "a"), (ANNA, "b"), (ANNA, "c"))) == ["a", "b", "c"]


def test_fifty_of_one_do_not_stand_before_one_of_another() -> None:
    turns = filled(*((ANNA, f"a{n}") for n in range(50)), (BEN, "b"))
    assert taken(turns).index("b") == 1


def test_many_names_on_one_machine_share_its_turns() -> None:
    names = [(Client("10.0.0.1", f"name {n}"), f"a{n}") for n in range(20)]
    turns = filled(*names, (BEN, "b0"), (BEN, "b1"), (BEN, "b2"))
    assert [item[0] for item in taken(turns)[:6]] == ["a", "b", "a", "b", "a", "b"]


def test_the_order_that_is_told_is_the_order_that_comes() -> None:
    rng = random.Random(4)
    for _ in range(200):
        turns: FairQueue[int] = FairQueue()
        for number in range(rng.randrange(25)):
            client = Client(rng.choice("abc"), rng.choice("xyz"))
            turns.add(client, number)
            if rng.random() < 0.2:
                turns.take()
        expected = turns.order()
        assert len(expected) == len(turns)
        found = []
        while (item := turns.take()) is not None:
            found.append(item)
        assert found == expected


def test_what_is_removed_does_not_come() -> None:
    turns = filled((ANNA, "a"), (ANNA, "b"), (BEN, "c"))
    assert turns.remove(ANNA, "a")
    assert not turns.remove(ANNA, "a")
    assert not turns.remove(BEN, "b")
    assert turns.count_of(ANNA.address) == 1
    assert len(turns) == 2
    assert turns.remove(ANNA, "b")
    assert turns.count_of(ANNA.address) == 0
    assert taken(turns) == ["c"]
    assert turns.take() is None
