"""Publishing on PostgreSQL: a schema is built and tested beside the live one, and takes its name in one transaction.

    customer_segmentation                 what BI reads
    customer_segmentation_generation_6    the one before it, and so on
    customer_segmentation_building        what a run has not finished; the next run removes it

Each generation says in its table run_manifest what the run was. Rights are those of the live schema: who may use it, and
what is granted on tables of the same name.
"""

import json
import time
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
import psycopg2.errors
from psycopg2 import sql
from psycopg2.extensions import connection as Connection
from raw_tables import TakenError, UnreadableError

MANIFEST = "run_manifest"
# A run holds this lock of the server, with the name of the schema, for as long as it is connected.
LOCK = 1_936_024_435
# Rows of a mart, and a sum of them that needs no order of theirs.
SUMMED = """
    select count(*), md5(string_agg(hash, '' order by hash collate "C"))
    from (select md5(cast(to_json(mart) as text)) as hash from {mart} as mart) as hashes
"""


class Schemas:
    """The live schema, those before it, and the one that is being built."""

    # For so many seconds a run waits for readers.
    patience = 120

    def __init__(self, credentials: Namespace, live: str) -> None:
        self.live, self.building = live, f"{live}_building"
        try:
            self.connection: Connection = psycopg2.connect(
                host=credentials.host,
                port=credentials.port,
                user=credentials.user,
                password=credentials.password or None,
                dbname=credentials.database,
                sslmode=credentials.sslmode,
                application_name="customer_segmentation run",
            )
        except psycopg2.OperationalError as error:
            raise UnreadableError(f"PostgreSQL cannot be reached. {error}") from error
        self.connection.autocommit = True

    def ask(self, text: str | sql.Composable, *values: object) -> list[tuple]:
        with self.connection.cursor() as cursor:
            cursor.execute(text, values or None)
            return cursor.fetchall() if cursor.description else []

    def say(self, text: str, **names: str | tuple[str, str]) -> list[tuple]:
        """Run a statement with names in it."""
        parts = {
            key: sql.Identifier(*((name,) if isinstance(name, str) else name))
            for key, name in names.items()
        }
        return self.ask(sql.SQL(text).format(**parts))

    @contextmanager
    def lock(self) -> Iterator[None]:
        """The server lets go of it when the connection ends in any way, so that it is never stale."""
        ((taken,),) = self.ask("select pg_try_advisory_lock(%s, hashtext(%s))", LOCK, self.live)
        if not taken:
            raise TakenError(f"Another run is publishing to the schema {self.live}.")
        try:
            yield
        finally:
            self.connection.close()

    def name(self, number: int) -> str:
        return f"{self.live}_generation_{number}"

    def exists(self, schema: str) -> bool:
        return bool(self.ask("select 1 from pg_namespace where nspname = %s", schema))

    def manifest(self, schema: str) -> dict:
        """What the run of a generation was; nothing for a schema that dbt alone has built."""
        if not self.ask("select to_regclass(%s)", f'"{schema}".{MANIFEST}')[0][0]:
            return {}
        ((text,),) = self.say("select manifest from {table}", table=(schema, MANIFEST))
        return json.loads(text)

    def before(self) -> list[int]:
        """The generations that are kept beside the live one, the latest first."""
        pattern = f"^{self.live}_generation_[0-9]+$"
        found = self.ask("select nspname from pg_namespace where nspname ~ %s", pattern)
        return sorted((int(name.rsplit("_", 1)[1]) for (name,) in found), reverse=True)

    def next_number(self) -> int:
        return max([self.manifest(self.live).get("generation", 0), *self.before()], default=0) + 1

    def start(self, kept: list[str]) -> None:
        """An empty schema with the tables that are kept up from build to build."""
        self.say("drop schema if exists {schema} cascade", schema=self.building)
        self.say("create schema {schema}", schema=self.building)
        for name in kept:
            if self.ask("select to_regclass(%s)", f'"{self.live}"."{name}"')[0][0]:
                pair = {"new": (self.building, name), "old": (self.live, name)}
                self.say("create table {new} (like {old} including all)", **pair)
                self.say("insert into {new} select * from {old}", **pair)

    def describe(self, name: str) -> tuple[int, str]:
        return self.say(SUMMED, mart=(self.building, name))[0]

    def write(self, manifest: dict) -> None:
        self.say("create table {table} (manifest text not null)", table=(self.building, MANIFEST))
        insert = sql.SQL("insert into {} values (%s)")
        table = sql.Identifier(self.building, MANIFEST)
        self.ask(insert.format(table), json.dumps(manifest))

    def grant(self) -> None:
        """Whoever may use and read the live schema may use and read the new one."""
        users = "select distinct grantee::regrole::text from pg_namespace, aclexplode(nspacl)"
        users += " where nspname = %s and privilege_type = 'USAGE' and grantee <> nspowner and grantee <> 0"
        for (role,) in self.ask(users, self.live):
            self.say(f"grant usage on schema {{schema}} to {role}", schema=self.building)
        readers = "select relname, grantee::regrole::text from pg_class, aclexplode(relacl)"
        readers += " where relnamespace = %s::regnamespace and privilege_type = 'SELECT'"
        readers += " and grantee <> relowner and grantee <> 0"
        for name, role in self.ask(readers, f'"{self.live}"'):
            if self.ask("select to_regclass(%s)", f'"{self.building}"."{name}"')[0][0]:
                self.say(f"grant select on {{table}} to {role}", table=(self.building, name))

    def swap(self, other: str, number: int) -> None:
        """Give the live name to another schema, in one transaction; the live one gets its number.

        It waits for whoever reads: a transaction that has read one live table reads the others of that generation.
        """
        until = time.monotonic() + self.patience
        while True:
            self.ask("begin")
            try:
                if self.exists(self.live):
                    tables = "select relname from pg_class where relkind = 'r'"
                    tables += " and relnamespace = %s::regnamespace"
                    # All at once or none: whoever holds some and waits for others may wait for a reader of both.
                    for (name,) in self.ask(tables, f'"{self.live}"'):
                        self.say("lock table {table} nowait", table=(self.live, name))
                    old = self.name(number)
                    self.say("alter schema {old} rename to {new}", old=self.live, new=old)
                self.say("alter schema {old} rename to {new}", old=other, new=self.live)
                self.ask("commit")
                return
            except psycopg2.errors.LockNotAvailable:
                self.ask("rollback")
                if time.monotonic() > until:
                    raise TakenError(
                        f"For {self.patience} seconds somebody has been reading the schema {self.live}."
                    ) from None
                time.sleep(0.05)
            except BaseException:
                self.ask("rollback")
                raise

    def rewrite(self, kept: list[str]) -> None:
        """What dbt deleted from the tables that are kept up stays in their files until they are written anew."""
        for name in kept:
            self.say("vacuum full {table}", table=(self.building, name))

    def publish(self) -> None:
        """Readers see the old generation until this commits, and the new one from then on."""
        if self.exists(self.live):
            self.grant()
        number = self.manifest(self.live).get("generation", 0)
        self.swap(self.building, number)

    def chain(self) -> list[int]:
        """The generations that the live one followed, the latest first."""
        numbers, chain = self.before(), []
        following = self.manifest(self.live).get("previous_generation")
        while following in numbers:
            chain.append(following)
            following = self.manifest(self.name(following)).get("previous_generation")
        return chain

    def roll_back(self) -> tuple[int, int] | None:
        """Make the generation before live again; its number and that of the one that was live."""
        bad = self.manifest(self.live).get("generation", 0)
        if not (before := self.chain()):
            return None
        self.swap(self.name(before[0]), bad)
        return before[0], bad

    def prune(self, keep: int) -> list[str]:
        """Only those stay that may be rolled back to, and forget whom the live one forgets."""
        erased = set(self.manifest(self.live)["erased"])
        kept = [
            number
            for number in self.chain()[: keep - 1]
            if erased <= set(self.manifest(self.name(number)).get("erased", []))
        ]
        warnings = []
        # A reader of an old generation is let finish, by the next run at the latest.
        self.ask("set lock_timeout = '10s'")
        for number in set(self.before()).difference(kept):
            try:
                self.say("drop schema {schema} cascade", schema=self.name(number))
            except psycopg2.Error as error:
                warnings.append(f"{self.name(number)} is still there: {error}")
        return warnings
