from __future__ import annotations

from typing import Any

from sidecar.observe.folding import FOLDED, WINDOW_SECONDS, Folding


class Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def failed(message: str = "the database is gone", station: str = "intake") -> dict[str, Any]:
    return {"event": "station.failed", "station": station, "message": message}


def test_the_first_of_a_trouble_is_written_at_once_and_the_rest_with_its_number() -> None:
    folding = Folding(clock := Clock())
    assert folding.take(failed()) == [failed()]
    assert [folding.take(failed()) for _ in range(5)] == [[]] * 5
    clock.seconds = WINDOW_SECONDS
    assert folding.due() == [{**failed(), "repeated": 5}]


def test_trouble_that_goes_on_is_told_once_a_minute_and_no_repetition_is_lost() -> None:
    folding = Folding(clock := Clock())
    written = []
    for second in range(601):
        clock.seconds = float(second)
        written += folding.take(failed())
    written += folding.rest()
    assert len(written) <= 12
    assert sum(one.get("repeated", 1) for one in written) == 601


def test_another_trouble_is_written_at_once() -> None:
    folding = Folding(Clock())
    others = [failed("a lock is held"), failed(station="sweep"), {"event": "library"}]
    for other in (failed(), *others):
        assert folding.take(other) == [other]


def test_a_number_in_the_message_makes_it_no_other_trouble() -> None:
    folding = Folding(Clock())
    folding.take(failed("thread 17 was killed"))
    assert folding.take(failed("thread 18 was killed")) == []


def test_what_was_held_back_is_written_before_the_word_that_it_is_over() -> None:
    folding = Folding(Clock())
    for _ in range(3):
        folding.take(failed())
    over = {"event": "station.recovered", "station": "intake"}
    assert folding.take(over) == [{**failed(), "repeated": 2}, over]
    assert folding.take(failed()) == [failed()]


def test_lines_about_orders_are_never_folded() -> None:
    folding = Folding(Clock())
    line = {"event": "delivery.rejected", "order": "000000042", "corr": "main.order.42.1"}
    assert [folding.take(line) for _ in range(3)] == [[line]] * 3
    about_orders = ("delivery.accepted", "delivery.rejected", "delivery.unknown",
                    "delivery.parked", "delivery.pending", "write_back.refused")  # fmt: skip
    assert not FOLDED & set(about_orders)


def test_a_station_that_recovers_makes_no_other_station_s_trouble_new() -> None:
    folding = Folding(lambda: 0.0)

    def failed(station: str) -> dict[str, str]:
        return {"event": "station.failed", "station": station, "message": "the table is away"}

    assert len(folding.take(failed("write back"))) == 1
    assert len(folding.take(failed("deliver orders"))) == 1
    recovered = {"event": "station.recovered", "station": "deliver orders"}
    assert folding.take(recovered) == [recovered]
    assert folding.take(failed("write back")) == []
    assert len(folding.take(failed("deliver orders"))) == 1
