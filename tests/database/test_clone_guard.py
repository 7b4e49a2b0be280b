"""A restored dump sends nothing until an operator says which system it is."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from sidecar.identity.clone_guard import EVERY
from sidecar.model.errors import ConfigurationError, Unavailable
from sidecar.model.identity import LOST, Standing
from sidecar.model.outcome import Accepted, Booked
from sidecar.operate.queue import By
from sidecar.testing.magento_db import (
    Flavour,
    MagentoDatabase,
    PrivateServer,
    Shop,
)
from tests.copying import copy_schemas
from tests.harness import ScriptedErp
from tests.pipeline import Pipeline

OPERATOR = By("root", "a test")


@pytest.fixture(scope="module")
def elsewhere(flavour: Flavour) -> Iterator[PrivateServer]:
    """A second server, onto which dumps are restored."""
    with PrivateServer(flavour=flavour) as running:
        yield running


@pytest.fixture
def erp() -> ScriptedErp:
    return ScriptedErp()


@pytest.fixture
def original(magento: MagentoDatabase, tmp_path: Path, erp: ScriptedErp) -> Iterator[Pipeline]:
    with Pipeline(magento, tmp_path / "original", adapter=erp) as installed:
        installed.sidecar.clone_guard.watch()
        yield installed


def restore(original: Pipeline, server: PrivateServer, *, ledger: bool = True) -> MagentoDatabase:
    """Last night's dump, on another server."""
    name = original.magento.name
    copy_schemas(original.magento.server, server, [name, *[f"{name}_ledger"] * ledger])
    return MagentoDatabase(server, name)


def age(dump: MagentoDatabase, seconds: float = LOST.total_seconds() + 1) -> None:
    """It was made so much earlier."""
    with dump.connect() as connection, connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE `{dump.name}_ledger`.identity SET beat_at = beat_at - INTERVAL %s SECOND",
            (seconds,),
        )
        connection.commit()


def rename(magento: MagentoDatabase, url: str = "https://staging.example/") -> None:
    with magento.connect() as connection, connection.cursor() as cursor:
        cursor.execute(
            "UPDATE core_config_data SET value = %s WHERE path LIKE 'web/%%secure/base_url'", (url,)
        )


def standing(pipeline: Pipeline) -> Standing:
    return pipeline.sidecar.identification.look().judgement.standing


def wait_for_the_next_look(pipeline: Pipeline) -> None:
    pipeline.clock.seconds += EVERY


def place(magento: MagentoDatabase) -> Any:
    with Shop(magento) as shop:
        return shop.place()


@contextmanager
def another_process(original: Pipeline, folder: Path, **settings: Any) -> Iterator[Pipeline]:
    """With the same ledger, which stays when the process ends."""
    pipeline = Pipeline(original.magento, folder, **settings)
    try:
        yield pipeline
    finally:
        pipeline.pump.workers.close()
        pipeline.sidecar.close()


def test_the_original_sends_and_acknowledges(original: Pipeline, erp: ScriptedErp) -> None:
    placed = place(original.magento)
    original.work()

    assert [delivery.ref for delivery in erp.pushed] == [placed.increment_id]
    assert original.sql(f"SELECT ext_order_id FROM `{original.magento.name}`.sales_order") == [
        (f"SO-{placed.increment_id}",)
    ]
    assert standing(original) is Standing.SAME


def test_a_restored_dump_with_the_same_configuration_sends_and_writes_nothing(
    original: Pipeline, elsewhere: PrivateServer, tmp_path: Path, erp: ScriptedErp
) -> None:
    answered = place(original.magento)
    original.intake.run_once()
    original.pump.run_once()  # its answer is not written yet
    place(original.magento)
    original.intake.run_once()
    erp.pushed.clear()
    erp.probed.clear()

    with Pipeline(restore(original, elsewhere), tmp_path / "copy", adapter=erp) as copy:
        place(copy.magento)  # a tester's order
        copy.sidecar.clone_guard.watch()
        copy.work()
        copy.let_pass(3600)
        copy.sweep.full()
        copy.work()

        assert (erp.pushed, erp.probed) == ([], [])
        numbers = copy.sql(f"SELECT DISTINCT ext_order_id FROM `{copy.magento.name}`.sales_order")
        assert numbers == [(None,)], answered.increment_id
        assert "identity.sending_stopped" in copy.told.names()
        assert standing(copy) is Standing.UNSURE

        copy.sidecar.identification.accept(OPERATOR)
        wait_for_the_next_look(copy)
        copy.run()

        assert len(erp.pushed) == 2
        assert copy.sql(
            f"SELECT COUNT(*) FROM `{copy.magento.name}`.sales_order WHERE ext_order_id IS NULL"
        ) == [(0,)]
        ((who, reason),) = copy.sql(
            f"SELECT who, reason FROM {copy.sidecar.names('audit')} "
            "WHERE command = 'identity accept'"
        )
        assert (who, reason) == ("root", "a test")


def test_the_doubt_is_told_again_while_it_lasts_and_ended_once(
    original: Pipeline, elsewhere: PrivateServer, tmp_path: Path
) -> None:
    with Pipeline(restore(original, elsewhere), tmp_path / "copy") as copy:
        guard = copy.sidecar.clone_guard
        for _ in range(13):
            guard.watch()
            wait_for_the_next_look(copy)
        copy.sidecar.identification.accept(OPERATOR)
        guard.watch()
        guard.watch()

        told = [name for name, _ in copy.told.lines if name.startswith("identity.")]
        assert told == ["identity.sending_stopped", "identity.sending_stopped", "identity.settled"]


def test_a_renamed_dump_is_a_copy_and_becomes_a_test_system_with_another_erp(
    original: Pipeline, elsewhere: PrivateServer, tmp_path: Path, erp: ScriptedErp
) -> None:
    place(original.magento)
    original.intake.run_once()
    magento = restore(original, elsewhere)
    rename(magento)

    with Pipeline(magento, tmp_path / "copy", adapter=erp) as copy:
        assert standing(copy) is Standing.COPY
        copy.sidecar.identification.declare_copy(OPERATOR)
        assert standing(copy) is Standing.COPY
        copy.work()
        assert erp.pushed == []
        url = "http://127.0.0.1:9/test-erp"
        with Pipeline(magento, tmp_path / "test", adapter=erp, url=url) as test_system:
            assert standing(test_system) is Standing.SAME
            test_system.run()
            assert len(erp.pushed) == 1
            # Its address is set back: the ledger remembers whose ERP that is.
            assert standing(copy) is Standing.COPY


class TestACopyWithATestErp:
    """Whose numbering starts where the original's started."""

    @pytest.fixture
    def sent(self, original: Pipeline, erp: ScriptedErp) -> Any:
        placed = place(original.magento)
        original.work()
        assert original.sql(f"SELECT reference FROM {original.sidecar.names('link')}") == [
            (f"SO-{placed.increment_id}",)
        ]
        return placed

    @pytest.fixture
    def test_erp(self) -> ScriptedErp:
        return ScriptedErp()

    @pytest.fixture
    def copy(
        self,
        original: Pipeline,
        sent: Any,
        elsewhere: PrivateServer,
        tmp_path: Path,
        test_erp: ScriptedErp,
    ) -> Iterator[Pipeline]:
        magento = restore(original, elsewhere)
        rename(magento)
        url = "http://127.0.0.1:9/test-erp"
        with Pipeline(magento, tmp_path / "copy", adapter=test_erp, url=url) as installed:
            installed.sidecar.identification.declare_copy(OPERATOR)
            yield installed

    def documents(self, pipeline: Pipeline) -> dict[int, str]:
        rows = pipeline.sql(f"SELECT entity_id, reference FROM {pipeline.sidecar.names('link')}")
        return {int(entity_id): str(reference) for entity_id, reference in rows}

    def references(self, pipeline: Pipeline) -> set[str]:
        rows = pipeline.sql(f"SELECT reference FROM {pipeline.sidecar.names('link')}")
        return {row.reference for row in rows}

    def test_may_get_a_number_that_the_originals_gave(
        self, copy: Pipeline, sent: Any, test_erp: ScriptedErp
    ) -> None:
        new = place(copy.magento)
        given = Booked(reference=f"SO-{sent.increment_id}")
        test_erp.answers[new.increment_id] = [Accepted(booked=given)]
        copy.run()

        assert copy.open_events() == []
        assert self.documents(copy) == {new.entity_id: given.reference}

    def test_gets_an_order_that_the_original_sent_and_that_changes_as_a_new_one(
        self, copy: Pipeline, sent: Any, test_erp: ScriptedErp
    ) -> None:
        with Shop(copy.magento) as tester:
            tester.change_address(sent.entity_id, city="Elsewhere")
        copy.run()

        assert test_erp.types() == ("order.placed",)
        assert sent.increment_id in test_erp.probed, "it is asked first"

    def test_never_hears_of_the_end_of_one_that_it_does_not_hold(
        self, copy: Pipeline, sent: Any, test_erp: ScriptedErp
    ) -> None:
        with Shop(copy.magento) as tester:
            tester.cancel(sent.entity_id)
        copy.run()

        assert test_erp.pushed == []
        assert copy.open_events() == []

    def test_keeps_its_own_documents_when_the_same_is_said_again(
        self, copy: Pipeline, tmp_path: Path
    ) -> None:
        new = place(copy.magento)
        copy.run()
        copy.sidecar.identification.declare_copy(OPERATOR)
        assert self.documents(copy) == {new.entity_id: f"SO-{new.increment_id}"}

        url = "http://127.0.0.1:9/another-test-erp"
        with another_process(copy, tmp_path / "another", url=url) as another:
            another.sidecar.identification.declare_copy(OPERATOR)
            assert self.documents(another) == {}

    def test_has_the_originals_documents_again_where_it_was_the_original_after_all(
        self, copy: Pipeline, sent: Any, tmp_path: Path
    ) -> None:
        place(copy.magento)
        copy.run()
        with another_process(copy, tmp_path / "original again") as original:
            original.sidecar.identification.accept(OPERATOR)
            assert self.documents(original) == {sent.entity_id: f"SO-{sent.increment_id}"}

    def test_has_further_documents_of_an_order_again_with_them(
        self, original: Pipeline, sent: Any, tmp_path: Path
    ) -> None:
        with original.sidecar.database.transaction() as connection:
            original.sidecar.store.journal.link_further(
                connection, "order", sent.entity_id, "LS-1", None
            )
        both = self.references(original)
        original.sidecar.identification.declare_copy(OPERATOR)
        assert self.references(original) == set()

        with another_process(original, tmp_path / "original again") as again:
            again.sidecar.identification.accept(OPERATOR)
            assert self.references(again) == both == {f"SO-{sent.increment_id}", "LS-1"}

    def test_says_in_a_dry_run_nothing_for_good(self, original: Pipeline, sent: Any) -> None:
        original.sidecar.identification.declare_copy(OPERATOR, dry_run=True)
        assert self.documents(original) == {sent.entity_id: f"SO-{sent.increment_id}"}


def test_install_in_a_copy_says_nothing_about_what_it_is(
    original: Pipeline, elsewhere: PrivateServer, tmp_path: Path
) -> None:
    with Pipeline(restore(original, elsewhere), tmp_path / "copy") as copy:
        assert standing(copy) is Standing.UNSURE


def test_magentos_schema_without_the_ledger_is_doubted_at_install(
    original: Pipeline, elsewhere: PrivateServer, tmp_path: Path, erp: ScriptedErp
) -> None:
    magento = restore(original, elsewhere, ledger=False)
    with Pipeline(magento, tmp_path / "copy", adapter=erp) as copy:
        place(magento)
        copy.work()

        assert erp.pushed == []
        assert standing(copy) is Standing.UNSURE
        with pytest.raises(ConfigurationError, match="served this shop before") as stopped:
            copy.sidecar.identification.require_same()
        assert stopped.value.exit_code == 78


@pytest.fixture
def behind_a_name(
    magento: MagentoDatabase, tmp_path: Path, erp: ScriptedErp
) -> Iterator[tuple[Pipeline, Path]]:
    """A sidecar that reaches its server under a name which can be given to another server."""
    name = tmp_path / "db.sock"
    name.symlink_to(magento.server.socket)
    with Pipeline(magento, tmp_path / "named", adapter=erp, socket=name) as installed:
        installed.sidecar.clone_guard.watch()
        yield installed, name
        point(name, magento.server)
        installed.sidecar.database.close()


def point(name: Path, server: PrivateServer) -> None:
    fresh = name.with_suffix(".new")
    fresh.symlink_to(server.socket)
    os.replace(fresh, name)


def allow_the_login(server: PrivateServer) -> None:
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute("CREATE USER IF NOT EXISTS pipeline@localhost IDENTIFIED BY 'pipeline'")
        cursor.execute("GRANT ALL ON *.* TO pipeline@localhost")


def test_a_daemon_that_lives_through_a_failover_goes_on(
    behind_a_name: tuple[Pipeline, Path], elsewhere: PrivateServer, erp: ScriptedErp
) -> None:
    pipeline, name = behind_a_name
    allow_the_login(elsewhere)
    replica = restore(pipeline, elsewhere)
    pipeline.sidecar.clone_guard.watch()  # a beat that did not reach the replica any more
    point(name, elsewhere)
    pipeline.sidecar.database.close()  # the connections break
    placed = place(replica)
    pipeline.work()
    pipeline.sidecar.clone_guard.watch()

    assert [delivery.ref for delivery in erp.pushed] == [placed.increment_id]
    assert "identity.moved" in pipeline.told.names()
    assert standing(pipeline) is Standing.SAME
    recorded = pipeline.sidecar.identification.look().recorded
    assert recorded is not None
    assert len(recorded.servers) == 2, "the way back needs no question either"


def test_the_way_back_of_a_failover_may_lack_a_beat_and_no_number_comes_twice(
    behind_a_name: tuple[Pipeline, Path], elsewhere: PrivateServer, erp: ScriptedErp
) -> None:
    pipeline, name = behind_a_name
    allow_the_login(elsewhere)
    restore(pipeline, elsewhere)
    guard, here = pipeline.sidecar.clone_guard, pipeline.magento
    point(name, elsewhere)
    pipeline.sidecar.database.close()
    guard.watch()
    there = MagentoDatabase(elsewhere, here.name)
    copy_schemas(elsewhere, here.server, [here.name, f"{here.name}_ledger"])
    guard.watch()  # did not reach the first server, which is a replica now
    ((lost,),) = pipeline.sql(f"SELECT beat FROM `{there.name}_ledger`.identity")
    point(name, here.server)
    pipeline.sidecar.database.close()
    guard.watch()

    assert standing(pipeline) is Standing.SAME
    ((beat,),) = pipeline.sql(f"SELECT beat FROM `{here.name}_ledger`.identity")
    assert beat > lost


def test_a_daemon_that_meets_an_old_dump_under_the_name_of_its_server_stops(
    behind_a_name: tuple[Pipeline, Path], elsewhere: PrivateServer, erp: ScriptedErp
) -> None:
    pipeline, name = behind_a_name
    allow_the_login(elsewhere)
    dump = restore(pipeline, elsewhere)
    age(dump)
    pipeline.sidecar.clone_guard.watch()
    point(name, elsewhere)
    pipeline.sidecar.database.close()
    place(dump)
    pipeline.work()

    assert erp.pushed == []
    assert standing(pipeline) is Standing.UNSURE


def test_a_backup_that_is_restored_under_a_daemon_stops_it_until_it_is_accepted(
    original: Pipeline, elsewhere: PrivateServer, erp: ScriptedErp
) -> None:
    backup = restore(original, elsewhere)
    original.sidecar.clone_guard.watch()
    here = original.magento
    copy_schemas(backup.server, here.server, [here.name, f"{here.name}_ledger"])
    place(here)
    # Not even until the next look: a claim is never made in a ledger that went back.
    original.work()
    assert erp.pushed == []
    original.sidecar.clone_guard.watch()
    assert "identity.sending_stopped" in original.told.names()

    original.sidecar.identification.accept(OPERATOR)
    wait_for_the_next_look(original)
    original.sidecar.clone_guard.watch()
    original.work()
    assert len(erp.pushed) == 1


class TestABackupInPlaceOfWhatWasThere:
    """Restored while no daemon ran; the next one finds it out, and everybody can read that."""

    @pytest.fixture(autouse=True)
    def state_directory(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """As systemd gives a service one."""
        folder = tmp_path / "state"
        folder.mkdir()
        monkeypatch.setenv("STATE_DIRECTORY", str(folder))
        return folder

    @pytest.fixture
    def yesterday(
        self, original: Pipeline, elsewhere: PrivateServer, erp: ScriptedErp
    ) -> MagentoDatabase:
        """A backup; since then an order was sold and sent."""
        place(original.magento)
        original.work()
        original.sidecar.clone_guard.watch()
        backup = restore(original, elsewhere)
        place(original.magento)
        original.work()
        original.sidecar.clone_guard.watch()
        erp.pushed.clear()
        return backup

    def put_back(self, original: Pipeline, backup: MagentoDatabase, *what: str) -> None:
        here = original.magento
        original.sidecar.database.close()
        schemas = {"shop": here.name, "ledger": f"{here.name}_ledger"}
        copy_schemas(backup.server, here.server, [schemas[one] for one in what])

    @pytest.mark.parametrize(
        ("what", "said"),
        [
            (("shop", "ledger"), "older than this machine's daemon left it"),
            (("ledger",), "older than this machine's daemon left it"),
            (("shop",), "gives its next order the id 2, and the ledger knows order 2"),
            (("shop", "an order"), "with the id 2 was placed later than the one that the ledger"),
        ],
    )
    def test_is_found_by_the_next_daemon_and_read_by_all_others(
        self,
        original: Pipeline,
        yesterday: MagentoDatabase,
        erp: ScriptedErp,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        what: tuple[str, ...],
        said: str,
    ) -> None:
        self.put_back(original, yesterday, *(one for one in what if one != "an order"))
        if what != ("shop",):
            # It gets the id and the number of the order that was sent.
            place(original.magento)
            with original.magento.connect() as connection, connection.cursor() as cursor:
                cursor.execute(
                    "UPDATE sales_order SET created_at = created_at + INTERVAL 1 DAY "
                    "WHERE entity_id = 2"
                )

        with another_process(original, tmp_path / "next", adapter=erp) as daemon:
            daemon.sidecar.clone_guard.watch()
            daemon.work()
            assert erp.pushed == []
            assert "identity.sending_stopped" in daemon.told.names()

            monkeypatch.delenv("STATE_DIRECTORY")
            with another_process(original, tmp_path / "looker", adapter=erp) as looker:
                judgement = looker.sidecar.identification.look().judgement
                assert said in judgement.why
                assert not looker.sidecar.vitals().read().sends
                looker.sidecar.identification.accept(OPERATOR)

            wait_for_the_next_look(daemon)
            daemon.sidecar.clone_guard.watch()
            assert standing(daemon) is Standing.SAME
            daemon.work()
            daemon.sidecar.clone_guard.watch()
            assert standing(daemon) is Standing.SAME, "it is settled for good"

    def test_is_told_from_a_ledger_that_was_made_anew(
        self, original: Pipeline, yesterday: MagentoDatabase, tmp_path: Path
    ) -> None:
        with original.magento.connect() as connection, connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE `{original.magento.name}_ledger`")
            cursor.execute("UPDATE sales_order SET status = 'pending'")
            cursor.execute("DELETE FROM sales_order_status WHERE status LIKE 'erp%%'")
            connection.commit()

        with another_process(original, tmp_path / "anew") as again:
            again.sidecar.clone_guard.watch()
            assert standing(again) is Standing.SAME

    def test_is_told_from_deleted_orders(self, original: Pipeline, tmp_path: Path) -> None:
        placed = [place(original.magento) for _ in range(2)]
        original.work()
        original.sidecar.clone_guard.watch()
        with Shop(original.magento) as shop:
            for order in placed:
                shop.delete(order.entity_id)
        with another_process(original, tmp_path / "next") as daemon:
            daemon.sidecar.clone_guard.watch()
            assert standing(daemon) is Standing.SAME

    def test_never_takes_the_file_down_to_itself(
        self,
        original: Pipeline,
        yesterday: MagentoDatabase,
        tmp_path: Path,
        state_directory: Path,
    ) -> None:
        (file,) = state_directory.iterdir()
        before = file.read_bytes()
        self.put_back(original, yesterday, "ledger")
        with another_process(original, tmp_path / "next") as daemon:
            for _ in range(3):
                daemon.sidecar.clone_guard.watch()
                wait_for_the_next_look(daemon)
            assert standing(daemon) is Standing.UNSURE
            assert file.read_bytes() == before

    @pytest.mark.parametrize("lost", ["the file", "what was written last"])
    def test_is_told_from_a_power_cut_that_took_the_file_or_its_newest_content(
        self, original: Pipeline, tmp_path: Path, state_directory: Path, lost: str
    ) -> None:
        (file,) = state_directory.iterdir()
        older = file.read_bytes()
        original.sidecar.clone_guard.watch()
        if lost == "the file":
            file.unlink()
        else:
            file.write_bytes(older)
        with another_process(original, tmp_path / "next") as daemon:
            daemon.sidecar.clone_guard.watch()
            assert standing(daemon) is Standing.SAME

    def test_is_told_from_a_beat_that_was_rolled_back(
        self, original: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        identities = original.sidecar.store.identities

        def and_fail(*arguments: Any, **options: Any) -> Any:
            beat(*arguments, **options)
            raise Unavailable("the server went away", "")

        beat = identities.beat
        with monkeypatch.context() as failing:
            failing.setattr(identities, "beat", and_fail)
            with pytest.raises(Unavailable):
                original.sidecar.clone_guard.watch()
        original.sidecar.clone_guard.watch()
        assert standing(original) is Standing.SAME
        with another_process(original, tmp_path / "next") as daemon:
            assert standing(daemon) is Standing.SAME

    def test_is_told_from_two_processes_that_work_one_after_the_other(
        self, original: Pipeline, erp: ScriptedErp, tmp_path: Path
    ) -> None:
        with another_process(original, tmp_path / "beside", adapter=erp) as beside:
            for process in (beside, original, original, beside, beside, original):
                process.sidecar.clone_guard.watch()
                wait_for_the_next_look(process)
                place(process.magento)
                process.work()
                assert standing(process) is Standing.SAME
        assert len(erp.pushed) == 6

    def test_is_told_from_a_beat_that_another_process_leaves_while_we_look(
        self, original: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with another_process(original, tmp_path / "beside") as beside:
            identities = original.sidecar.store.identities
            read = identities.read

            def and_be_overtaken(*arguments: Any, **options: Any) -> Any:
                recorded = read(*arguments, **options)
                beside.sidecar.clone_guard.watch()
                return recorded

            monkeypatch.setattr(identities, "read", and_be_overtaken)
            with original.sidecar.database.transaction() as connection:
                assert original.sidecar.clone_guard.judgement(connection).may_send

    def test_leaves_a_restart_and_a_lost_or_broken_file_alone(
        self, original: Pipeline, tmp_path: Path, state_directory: Path
    ) -> None:
        for number in range(2):
            with another_process(original, tmp_path / f"restart {number}") as daemon:
                daemon.sidecar.clone_guard.watch()
                assert standing(daemon) is Standing.SAME
                (file,) = state_directory.iterdir()
                file.write_bytes(b"{")

    def test_is_not_looked_for_where_the_file_cannot_be_written_and_that_is_told(
        self, original: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "nowhere"))
        with another_process(original, tmp_path / "next") as daemon:
            daemon.sidecar.clone_guard.watch()
            daemon.sidecar.clone_guard.watch()
            assert standing(daemon) is Standing.SAME
            told = [name for name, _ in daemon.told.lines]
            assert told.count("identity.witness_failed") == 1


def test_a_doubt_of_the_daemon_ends_with_its_cause(original: Pipeline, tmp_path: Path) -> None:
    guard = original.sidecar.clone_guard
    rename(original.magento, "https://other.example/")
    guard.watch()
    assert standing(original) is Standing.UNSURE
    rename(original.magento, "http://shop.example/")
    wait_for_the_next_look(original)
    guard.watch()
    with another_process(original, tmp_path / "looker") as looker:
        assert standing(looker) is Standing.SAME


def test_the_answer_belongs_to_the_connection_that_asks(
    behind_a_name: tuple[Pipeline, Path], elsewhere: PrivateServer
) -> None:
    """A pool may hold connections to both servers while a name moves."""
    pipeline, name = behind_a_name
    allow_the_login(elsewhere)
    age(restore(pipeline, elsewhere))
    pipeline.sidecar.clone_guard.watch()
    database, guard = pipeline.sidecar.database, pipeline.sidecar.clone_guard
    database.close()
    with database.transaction() as to_the_original:
        point(name, elsewhere)
        with database.transaction() as to_the_copy:
            assert guard.may_send(to_the_original)
            assert not guard.may_send(to_the_copy)
            assert guard.may_send(to_the_original)


def test_a_changed_base_url_asks_and_a_new_website_does_not(original: Pipeline) -> None:
    with original.magento.connect() as connection, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO core_config_data (scope, scope_id, path, value) VALUES "
            "('websites', 1, 'web/unsecure/base_url', 'http://b2b.example/')"
        )
    original.sidecar.clone_guard.watch()
    assert standing(original) is Standing.SAME
    compared = original.sidecar.identification.look()
    assert compared.recorded is not None
    assert compared.recorded.base_urls == {"shop.example", "b2b.example"}

    rename(original.magento, "https://new-name.example/")
    assert standing(original) is Standing.UNSURE


def test_a_dry_run_changes_nothing(
    original: Pipeline, elsewhere: PrivateServer, tmp_path: Path
) -> None:
    with Pipeline(restore(original, elsewhere), tmp_path / "copy") as copy:
        copy.sidecar.identification.accept(OPERATOR, dry_run=True)
        copy.sidecar.identification.declare_copy(OPERATOR, dry_run=True)

        compared = copy.sidecar.identification.look()
        assert compared.judgement.standing is Standing.UNSURE
        assert compared.recorded is not None
        assert not compared.recorded.is_copy


def test_the_guard_costs_no_statement_per_order(original: Pipeline, erp: ScriptedErp) -> None:
    asked: list[str] = []

    def count(_connection: sa.Connection, _cursor: object, statement: str, *_: object) -> None:
        if "core_config_data" in statement or "identity" in statement:
            asked.append(statement)

    engine = original.sidecar.database._engine
    event.listen(engine, "before_cursor_execute", count)
    try:
        with Shop(original.magento) as shop:
            for _ in range(40):
                shop.place()
        wait_for_the_next_look(original)
        original.work()
    finally:
        event.remove(engine, "before_cursor_execute", count)

    assert len(erp.pushed) == 40
    # One look at the shop's addresses, and one at the last beat in each transaction that takes
    # orders, however many it takes.
    assert sum("core_config_data" in statement for statement in asked) == 1
    assert len(asked) < len(erp.pushed), asked
