"""The mapping that inspect_raw proposes: what it matches, what it says, and that it builds."""

import argparse
import csv
from collections.abc import Callable
from pathlib import Path

import duckdb
import inspect_raw
import pytest
import yaml
from conftest import ROOT, WITHOUT_TESTS, Build
from contract import read_contract
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from raw_tables import RawTable, dbt_arguments, kind_of

SEEDS = ROOT / "seeds/sample"
CONTRACT = read_contract()
CANARY = "kanarienvogel"
# The sample as somebody else would name it: an alias, a near miss or a prefix, our name otherwise.
THEIRS = {
    "customers": (
        "users",
        {"customer_id": "User ID", "created_at": "signup_date", "birth_date": "dob"},
    ),
    "orders": (
        "sales_2025",
        {
            "order_id": "InvoiceNo",
            "customer_id": "user_id",
            "ordered_at": "InvoiceDate",
            "gross_amount": "total_amount",
            "discount_amount": "discount",
            "cancelled_at": "canceled_at",
            "status": "sale_status",
            "payment_method": "payment_methods",
        },
    ),
    "sessions": (
        "web_visits",
        {"session_id": "visit_id", "started_at": "timestamp", "operating_system": "OS"},
    ),
    "order_items": ("order_lines", {"order_item_id": "line_id", "unit_price": "item_price"}),
    "companies": ("firms", {"company_id": "organisation_id", "industry": "sector"}),
    "campaign_events": ("email_events", {"campaign_event_id": "EventID", "event_type": "action"}),
    "feedback": ("shop_reviews", {"feedback_id": "review_id", "score": "stars"}),
    "consents": ("opt_ins", {"recorded_at": "given_at"}),
    "survey_answers": ("questionnaire", {"customer_id": "user_id", "answer": "value"}),
    "product_usage": ("feature_usage", {"used_at": "usage_date", "feature": "feature_name"}),
    "subscriptions": ("contracts", {"subscription_id": "contract_id", "seats": "licences"}),
    "exchange_rates": ("fx", {"currency": "currency_code", "rate_date": "day", "rate": "fx_rate"}),
    "customer_merges": (
        "account_merges",
        {"customer_id": "old_customer_id", "merged_into_customer_id": "new_customer_id"},
    ),
    "erasure_requests": (
        "deletion_requests",
        {"customer_id_hash": "customer_hash", "requested_at": "received_at"},
    ),
}


def match(table: str, *names: str, **kinds: str) -> dict[str, str]:
    return inspect_raw.match_columns(CONTRACT[table], dict.fromkeys(names, "text") | kinds)[0]


def doubts(table: str, *names: str, **kinds: str) -> dict[str, str]:
    return inspect_raw.match_columns(CONTRACT[table], dict.fromkeys(names, "text") | kinds)[1]


def tables(**columns: str) -> dict[str, str]:
    raw = [RawTable(name, dict.fromkeys(c.split(), "text")) for name, c in columns.items()]
    found = inspect_raw.match_tables(CONTRACT, raw, {})
    return {ours: m.raw.name for ours, m in found.items()}


def write_csv(folder: Path, **files: str) -> list[str]:
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return [str(folder / f"{name}.csv") for name in files]


def test_a_name_counts_whatever_its_case_and_punctuation() -> None:
    assert match("orders", "OrderID", "Customer ID", "GROSS-AMOUNT") == {
        "order_id": "OrderID",
        "customer_id": "Customer ID",
        "gross_amount": "GROSS-AMOUNT",
    }


def test_an_alias_is_no_guess() -> None:
    assert match("orders", "invoice_no") == {"order_id": "invoice_no"}
    assert doubts("orders", "invoice_no") == {}


def test_our_own_name_wins_over_an_alias() -> None:
    assert match("customers", "id", "customer_id") == {"customer_id": "customer_id"}


def test_of_two_aliases_the_first_in_the_contract_is_taken_and_the_other_is_named() -> None:
    assert match("orders", "price", "revenue") == {"gross_amount": "revenue"}
    assert doubts("orders", "price", "revenue") == {"gross_amount": "or price?"}


@pytest.mark.parametrize(
    ("table", "raw", "ours"),
    [
        ("orders", "payment_methods", "payment_method"),
        ("orders", "canceled_date", "cancelled_at"),
        ("orders", "sale_status", "status"),
        ("customers", "customer_country", "country_code"),
        ("customers", "marital_stauts", "marital_status"),
    ],
)
def test_a_close_spelling_or_a_prefix_is_a_guess(table: str, raw: str, ours: str) -> None:
    assert match(table, raw) == {ours: raw}
    assert doubts(table, raw) == {ours: "guessed"}


@pytest.mark.parametrize("name", ["county", "religion", "unit_price", "net_amount", "refunded"])
def test_a_name_that_only_looks_alike_is_left_alone(name: str) -> None:
    assert match("customers", name) == match("orders", name) == {}


def test_one_raw_column_serves_one_of_ours() -> None:
    for table in CONTRACT.values():
        aliases = [alias for column in table.columns for alias in column.aliases]
        raw = list(match(table.name, *aliases).values())
        assert len(raw) == len(set(raw))


def test_a_type_that_does_not_fit_is_doubted_and_a_list_is_never_taken() -> None:
    assert "whole number" in doubts("orders", order_date="whole number")["ordered_at"]
    assert match("orders", order_date="whole number", invoice_date="date") == {
        "ordered_at": "invoice_date"
    }
    assert match("orders", status="other") == {}


@pytest.mark.parametrize(
    ("data_type", "kind"),
    [
        ("DOUBLE", "number"),
        ("double precision", "number"),
        ("DECIMAL(18,2)", "number"),
        ("DECIMAL(18,0)", "whole number"),
        ("UBIGINT", "whole number"),
        ("interval", "other"),
        ("INTEGER[]", "other"),
        ("VARCHAR[]", "other"),
        ("timestamp without time zone", "date"),
        ("TIME", "other"),
        ("character varying", "text"),
        ("ENUM('a', 'b')", "text"),
        ("STRUCT(a INTEGER)", "other"),
    ],
)
def test_types_of_both_engines_have_a_kind(data_type: str, kind: str) -> None:
    assert kind_of(data_type) == kind


@pytest.mark.parametrize(
    ("ours", "raw", "kind", "sql"),
    [
        ("customer_id", "cust_id", "number", "cast(cast(cust_id as bigint) as varchar)"),
        ("customer_id", "CustomerID", "whole number", '"CustomerID"'),
        ("status", "Order Status", "text", '"Order Status"'),
        ("status", 'a"b', "text", '"a""b"'),
        ("category", "group", "text", '"group"'),
        ("category", "user", "text", '"user"'),
        ("gross_amount", "price", "number", "price"),
    ],
)
def test_an_expression_is_quoted_where_needed(ours: str, raw: str, kind: str, sql: str) -> None:
    table = RawTable("orders", {raw: kind})
    assert inspect_raw.Match(CONTRACT["orders"], table, {ours: raw}, {}).sql(ours) == sql


def test_tables_are_found_by_name_and_by_what_is_in_them() -> None:
    assert tables(
        olist_order_payments_dataset="order_id payment_type payment_value",
        olist_orders_dataset="order_id customer_id order_purchase_timestamp order_status",
        accounts="account_id country",
        products="product_id price",
    ) == {"customers": "accounts", "orders": "olist_orders_dataset"}


def test_a_table_of_any_name_is_found_by_its_columns() -> None:
    assert tables(x1="order_no cust_id order_date amount") == {"orders": "x1"}


def test_an_optional_table_is_found_by_its_whole_name_or_by_its_columns() -> None:
    assert tables(
        orders="order_id user_id order_date total",
        shop_reviews="review_id score",
        products="product_id name",
        churn_events="churn_event_id account_id churn_date",
        order_payments="order_id payment_type payment_value",
        fx="currency_code day fx_rate",
        order_details="line_id order_id quantity item_price",
    ) == {
        "orders": "orders",
        "order_items": "order_details",
        "feedback": "shop_reviews",
        "exchange_rates": "fx",
    }


def test_an_optional_table_that_lacks_what_is_required_is_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    paths = write_csv(
        tmp_path,
        users="user_id\n1\n",
        orders="order_id,user_id,order_date,total\n1,1,2025-01-01,2\n",
        reviews="review_id,review_score\n1,5\n",
        order_lines="order_id,sku\n1,2\n",
    )
    assert inspect_raw.main(paths) == 0
    said = capsys.readouterr()
    assert set(yaml.safe_load(said.out)["raw"]["tables"]) == {"customers", "orders"}
    assert "Not mapped: customer_id is required and was not found." in said.err
    assert "make a dbt model of one row for each feedback, and" in said.err
    assert "Not mapped: order_item_id is required and was not found." in said.err
    # What the left out tables would feed is off.
    assert "Missing feedback_type, score and wait_hours: satisfaction will be unknown." in said.err
    assert "Missing unit_price: price sensitivity will be unknown." in said.err
    assert "Missing company_id and created_at: account relationship will be unknown." in said.err


def test_a_table_is_used_once() -> None:
    assert tables(user_orders="user_id order_id order_date total") == {"orders": "user_orders"}


def test_the_users_choice_of_table_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    paths = write_csv(
        tmp_path,
        users="user_id\n1\n",
        orders="order_id,user_id,order_date,total\n1,1,2025-01-01,2\n",
        old="order_id,user_id,order_date,total\n1,1,2025-01-01,2\n",
    )
    assert inspect_raw.main([*paths, "--table", "orders=old"]) == 0
    assert yaml.safe_load(capsys.readouterr().out)["raw"]["tables"]["orders"]["file"] == paths[2]


def test_no_value_of_the_data_is_printed(tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    paths = write_csv(
        tmp_path,
        users=f"user_id,email\n{CANARY},{CANARY}@example.com\n",
        orders=f"order_id,user_id,order_date,total\n1,{CANARY},2025-01-01,{CANARY}\n",
        sessions=f"session_id,started_at\n1,2\n{CANARY}\n",
        visits=f"{CANARY}@example.com,2025-01-01,12.50\n",
    )
    enum = tmp_path / "invoices.parquet"
    duckdb.sql(f"copy (select '{CANARY}'::enum('{CANARY}') as status) to '{enum}'")
    assert inspect_raw.main([*paths, str(enum)]) == 1
    said = capfd.readouterr()
    assert "sessions.csv is not UTF-8 or does not fit the header" in said.err
    assert "visits.csv begins with data" in said.err
    assert CANARY not in said.out + said.err


def test_a_row_that_begins_with_a_hash_counts(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    inspect_raw.main(write_csv(tmp_path, users="user_id,email\n#1,a\n2,b\n"))
    assert "users.csv, 2 rows" in capsys.readouterr().err


def test_a_missing_required_column_is_an_error_with_candidates(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    paths = write_csv(
        tmp_path,
        users="user_id\n1\n",
        orders="order_id,user_id,order_date,unit_price\n1,1,2025-01-01,2\n",
    )
    assert inspect_raw.main(paths) == 1
    said = capsys.readouterr()
    assert "ERROR: gross_amount is required" in said.err
    assert "unit_price" in said.err
    assert "gross_amount: null  # required, perhaps unit_price?" in said.out
    assert yaml.safe_load(said.out)["raw"]["tables"]["orders"]["columns"]["gross_amount"] is None


def test_missing_columns_are_told_as_what_marketing_loses(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    paths = write_csv(
        tmp_path,
        users="user_id,city,shoe_size\n1,,\n",
        orders="order_id,user_id,order_date,total\n1,1,2025-01-01,2\n",
    )
    assert inspect_raw.main(paths) == 0
    said = capsys.readouterr().err
    assert "orders: orders.csv, 1 row. 4 of 20 columns found." in said
    assert "Missing discount_amount and coupon_code: price sensitivity will be unknown." in said
    assert "Missing country_code, region and postal_code: geographic will say less." in said
    assert "window shopper will be unknown" in said
    assert "Columns of yours not used: shoe_size." in said


def test_counts_show_order_lines_and_ids_that_do_not_meet(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    lines = "".join(f"{n // 3},{n // 3}.0,2025-01-01,2\n" for n in range(30))
    paths = write_csv(
        tmp_path,
        users="user_id\n" + "".join(f"{n}\n" for n in range(10)),
        orders=f"order_id,user_id,order_date,total\n{lines}",
    )
    inspect_raw.main(paths)
    said = capsys.readouterr().err
    assert "order_id repeats in 20 rows" in said
    assert "make a dbt model of one row for each order" in said
    assert "30 rows with a user_id that is not among the customers" in said


def test_a_merged_account_is_no_orphan_and_a_line_number_is_no_key(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    paths = write_csv(
        tmp_path,
        users="user_id\n1\n",
        orders="order_id,user_id,order_date,total\n1,1,2025-01-01,2\n2,7,2025-01-01,2\n",
        order_items="order_id,order_item_id\n1,1\n1,2\n2,1\n2,2\n",
        customer_merges="old_customer_id,new_customer_id\n7,1\n",
        subscriptions="subscription_id,user_id,start_date\n1,1,2025-01-01\n2,8,2025-01-01\n",
        exchange_rates="currency,date,rate\nCHF,2025-01-01,1\nCHF,2025-01-02,1\n",
    )
    assert inspect_raw.main(paths) == 0
    said = capsys.readouterr().err
    assert said.count("that is not among the customers") == 1
    assert "1 row with a user_id that is not among the customers" in said
    assert (
        "order_item_id repeats in 2 rows; one row for each is kept."
        " If it numbers the lines of an order, write order_id || '-' || order_item_id." in said
    )
    # A rate is known by its currency and its day.
    assert "currency repeats" not in said


@pytest.mark.parametrize(
    ("column", "values", "sql"),
    [
        ("ordered_at", ["1.2.2024", "31.12.2024"], "try_strptime(theirs, '%d.%m.%Y')"),
        ("ordered_at", ["3/4/24", "3/14/24"], "try_strptime(theirs, '%m/%d/%y')"),
        ("ordered_at", ["20240131", None], "try_strptime(theirs, '%Y%m%d')"),
        ("ordered_at", ["31/1/2024 9:05", ""], "try_strptime(theirs, '%d/%m/%Y %H:%M')"),
        ("ordered_at", ["2024-01-31", "N/A"], "theirs"),
        ("ordered_at", ["2024-01-31", "31.1.2024"], "theirs"),
        ("gross_amount", ["1.234,50", "7"], "replace(replace(theirs, '.', ''), ',', '.')"),
        ("gross_amount", ["1,234.50", "7"], "replace(theirs, ',', '')"),
        ("gross_amount", ["$7.50", "8"], "regexp_replace(theirs, '[€$£ ]', '', 'g')"),
        ("gross_amount", ["-7.50", ".5", None], "theirs"),
        # One in twenty is faulty: the others are read.
        (
            "gross_amount",
            [*(f"{n},5" for n in range(19)), "much"],
            "replace(replace(theirs, '.', ''), ',', '.')",
        ),
        ("gross_amount", [*(f"{n}.5" for n in range(19)), "1,5"], "theirs"),
    ],
)
def test_dates_and_numbers_of_another_form_are_mapped_by_sql_that_reads_them(
    column: str,
    values: list[str | None],
    sql: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture,
) -> None:
    rows = ", ".join(f"({n}, {yaml_text(value)})" for n, value in enumerate(values))
    other = "ordered_at" if column == "gross_amount" else "gross_amount"
    known = "timestamp '2024-01-31'" if other == "ordered_at" else "1.5"
    path = tmp_path / "orders.parquet"
    duckdb.sql(
        f"copy (select order_id, 1 as customer_id, {known} as {other}, theirs"
        f" from (values {rows}) as given (order_id, theirs)) to '{path}'"
    )
    customers = tmp_path / "customers.parquet"
    duckdb.sql(f"copy (select 1 as customer_id) to '{customers}'")
    choice = ["--column", f"orders.{column}=theirs"]
    assert inspect_raw.main([str(tmp_path), *choice]) == 0
    mapping = yaml.safe_load(capsys.readouterr().out)["raw"]["tables"]["orders"]["columns"]
    assert mapping[column] == sql


def yaml_text(value: str | None) -> str:
    return "null" if value is None else f"'{value}'"


def test_a_form_that_could_be_two_is_for_the_user_to_choose(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    paths = write_csv(
        tmp_path,
        users="user_id\n1\n",
        orders="order_id,user_id,order_date,total\n1,1,03/04/2024,2\n",
    )
    assert inspect_raw.main(paths) == 1
    said = capsys.readouterr()
    assert "ERROR: ordered_at: order_date can be read as %d/%m/%Y or as %m/%d/%Y." in said.err
    assert "try_strptime(order_date, '%d/%m/%Y')" in said.err
    assert "03/04" not in said.err + said.out


def test_columns_in_another_language_are_named_and_statuses_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    paths = write_csv(
        tmp_path,
        kunden="Kundennr\n1\n",
        verkauf=f"Nr,Kundennr,Tag,Betrag,Stand\n1,1,2024-01-31,2,{CANARY}\n2,1,2024-01-31,2,void\n",
    )
    named = ["order_id=Nr", "customer_id=Kundennr", "ordered_at=Tag", "gross_amount=Betrag"]
    columns = [f"orders.{name}" for name in [*named, "status=Stand"]]
    choices = ["customers.customer_id=Kundennr", *columns]
    arguments = [word for choice in choices for word in ("--column", choice)]
    assert inspect_raw.main([*paths, *arguments, "--table", "customers=kunden"]) == 0
    said = capsys.readouterr()
    assert "1 of the 2 values of Stand mean a cancellation" in said.err
    tables = yaml.safe_load(said.out)["raw"]["tables"]
    assert tables["customers"]["columns"] == {"customer_id": '"Kundennr"'}
    assert tables["orders"]["columns"]["ordered_at"] == '"Tag"'
    for wrong in ("orders.price=Betrag", "orders.gross_amount=Preis"):
        with pytest.raises(SystemExit):
            inspect_raw.main([*paths, "--column", wrong])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"order_id;user_id\n1;2\n", "separated by ';'"),
        ("order_id,größe\n1,2\n".encode("latin-1"), "is not UTF-8"),
        (f"order_id,b\n{'1,2' * 9000}\n1,größe\n".encode("latin-1"), "is not UTF-8"),
        ("order_id,b\n".encode("utf-16"), "is not UTF-8"),
        (b"", "begins with data or nothing"),
        (b"order_id,order_id\n", "twice"),
    ],
)
def test_a_file_in_another_form_is_refused_with_what_to_do(
    content: bytes, words: str, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    (tmp_path / "orders.csv").write_bytes(content)
    assert inspect_raw.main([str(tmp_path)]) == 1
    assert words in capsys.readouterr().err


def their_header(ours: str, header: list[str]) -> list[str]:
    return [THEIRS[ours][1].get(name, name) for name in header]


def segments(build: Build) -> list[tuple]:
    return build.rows("select * from customer_segments order by customer_id")


def test_the_sample_under_other_names_in_csv_gives_the_same_segments(
    sample: Build,
    make_build: Callable[..., Build],
    tmp_path: Path,
    capsys: pytest.CaptureFixture,
) -> None:
    for ours, (theirs, _) in THEIRS.items():
        with (SEEDS / f"sample_{ours}.csv").open(encoding="utf-8", newline="") as file:
            header, *rows = csv.reader(file)
        with (tmp_path / f"{theirs}.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([their_header(ours, header), *rows])
    assert inspect_raw.main([str(tmp_path)]) == 0
    variables = yaml.safe_load(capsys.readouterr().out)
    assert {name: list(t["columns"]) for name, t in variables["raw"]["tables"].items()} == {
        name: [column.name for column in table.columns] for name, table in CONTRACT.items()
    }

    build = make_build("inspected_csv")
    command = ("build", "--select", "+customer_segments", *WITHOUT_TESTS)
    assert build.dbt(*command, variables=variables), build.errors
    assert segments(build) == segments(sample)


def test_the_sample_in_a_schema_gives_the_same_segments(
    sample: Build,
    make_build: Callable[..., Build],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture,
) -> None:
    build = make_build("inspected_schema")
    with duckdb.connect(str(build.database)) as connection:
        connection.execute("create schema shop")
        for ours, (theirs, _) in THEIRS.items():
            path = SEEDS / f"sample_{ours}.csv"
            source = f"read_csv('{path}', header = true, all_varchar = true)"
            names = connection.sql(f"from {source}").columns
            columns = [
                f'{a} as "{b}"' for a, b in zip(names, their_header(ours, names), strict=True)
            ]
            connection.execute(
                f"create table shop.{theirs} as select {', '.join(columns)} from {source}"
            )
    monkeypatch.setenv("SEGMENTATION_DUCKDB_PATH", str(build.database))
    monkeypatch.setenv("DBT_TARGET_PATH", str(build.target))
    try:
        options = ["--project-dir", str(ROOT), "--profiles-dir", str(ROOT / "profiles")]
        assert inspect_raw.main(["--schema", "shop", *options]) == 0
    finally:
        DuckDBConnectionManager.close_all_connections()
    said = capfd.readouterr()
    with (SEEDS / "sample_orders.csv").open(encoding="utf-8", newline="") as file:
        rows = len(list(csv.reader(file))) - 1
    assert f"orders: sales_2025, {rows:,} rows. 20 of 20 columns found." in said.err
    variables = yaml.safe_load(said.out)
    command = ("build", "--select", "+customer_segments", *WITHOUT_TESTS)
    assert build.dbt(*command, variables=variables), build.errors
    assert segments(build) == segments(sample)


def test_the_shipped_profiles_serve_where_dbt_would_find_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def profiles(**given: str) -> list[str]:
        options = {"project_dir": tmp_path, "profiles_dir": None, "target": None, **given}
        return dbt_arguments(argparse.Namespace(**options))[2:]

    project, home = tmp_path / "project", tmp_path / "home"
    for folder in (project / "profiles", home / ".dbt"):
        folder.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("DBT_PROFILES_DIR", raising=False)
    monkeypatch.chdir(tmp_path)
    shipped = ["--profiles-dir", str(project / "profiles")]
    assert profiles() == []
    assert profiles(project_dir=project) == shipped
    assert profiles(project_dir=project, profiles_dir="mine") == ["--profiles-dir", "mine"]
    for path in (project, tmp_path, home / ".dbt"):
        (path / "profiles.yml").touch()
        assert profiles(project_dir=project) == []
        (path / "profiles.yml").unlink()
    monkeypatch.setenv("DBT_PROFILES_DIR", "mine")
    assert profiles(project_dir=project) == []
