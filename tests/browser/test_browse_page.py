"""The page of `cultivar browse` in a real browser: two hundred thousand rows, many scripts, hostile texts."""

import http.client
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit

import polars as pl
import pytest
from handmade import Handmade, row_id

ROOT = Path(__file__).parents[2]
ROWS = 200_000
WORDS = "amber basil cedar delta ember fjord grove heron inlet juniper kelp lagoon maple".split()
SCRIPTS = {
    "chinese": "数据集的版本应当可以比较",
    "japanese": "かな漢字まじりの文章です",
    "thai": "ข้อมูลรุ่นนี้มีกี่แถว",
    "arabic": "كِتَابٌ عن البيانات",
    "hindi": "डेटा की पंक्तियाँ",
    "greek": "ΟΔΟΣ ΑΘΗΝΑΣ",
    "german": "Größe der Öfen",
}


def conversation(role: str, content: pl.Expr) -> pl.Expr:
    return pl.concat_list(pl.struct(role=pl.lit(role), content=content))


def pick(values: list[str], number: pl.Expr) -> pl.Expr:
    """One of the values after the other, by a number."""
    return (number % len(values)).replace_strict(list(range(len(values))), values)


def demonstrations(hostile: dict[str, str]) -> pl.DataFrame:
    """D: texts of some hundred characters, and among the first rows those of many scripts and the hostile ones."""
    special = [*SCRIPTS.values(), *hostile.values()]
    number = pl.int_range(pl.len())
    text = pl.concat_str(*(pick(WORDS, number * step) for step in (1, 2, 3, 5, 7, 11)), separator=" ")
    body = pl.concat_str(text, pl.lit(" and "), text.reverse(), pl.format(" item {} of many ", number), text)
    frame = pl.DataFrame({"id": [row_id(n) for n in range(ROWS)]}).with_columns(
        text=pl.concat([pl.Series(special), pl.Series([""]).new_from_index(0, ROWS - len(special))]),
        body=body,
    )
    shown = pl.when(pl.col("text") != "").then("text").otherwise("body")
    return frame.select(
        "id",
        parents=pl.concat_list(pl.col("id").reverse()),
        prompt=conversation("user", shown),
        domain=pick(["math", "code", "general"], number),
        strategy=pick(["rejection", "execution"], number),
        quality=(number % 101) / 100,
        votes=pl.when(number % 10 > 0).then(number % 4),
        tags=pl.concat_list(pick([*WORDS[:5], hostile["image"]], number)),
        license=pl.lit("CC0-1.0"),
        source=pl.format("data/seeds/{}.jsonl:{}", number % 2, number),
        completion=conversation("assistant", pl.concat_str(shown, pl.lit(" answered"))),
        split=pl.lit("train"),
    ).sort("id")


def preferences(hostile: dict[str, str]) -> pl.DataFrame:
    sides = {"chosen": f"The answer is 9. {hostile['script']}", "rejected": "The answer is 8."}
    return pl.DataFrame(
        {
            "id": [row_id("p")],
            "parents": [[row_id(0), row_id("of the store")]],
            "prompt": [[{"role": "system", "content": "Be brief."}, {"role": "user", "content": hostile["bidi"]}]],
            "domain": ["math"],
            **{name: [[{"role": "assistant", "content": text}]] for name, text in sides.items()},
            "margin": [1.0],
        }
    )


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, hostile: dict[str, str]) -> Handmade:
    made = Handmade(tmp_path_factory.mktemp("browse"))
    table = demonstrations(hostile)
    ended = {"id": [row_id("d")], "parents": [[row_id(7)]], "stage": ["filter"]}
    dropped = pl.DataFrame(ended | {"rule": ["near duplicate"], "detail": [hostile["link"]]})
    quarantined = pl.DataFrame(ended | {"error": ["no answer"], "source": [""], "raw": [hostile["end"]]})
    ends = {"data/dropped/filter.parquet": dropped, "data/quarantine/filter.parquet": quarantined}
    made.put({"filter": ends, "assemble": {"data/demonstrations.parquet": table.head(5)}})
    made.commit("data: five rows")
    made.git("tag", "first")
    outs = {"data/demonstrations.parquet": table, "data/preferences.parquet": preferences(hostile)}
    made.put({"assemble": outs})
    made.commit("data: <b>all</b> rows")
    return made


@pytest.fixture(scope="module")
def server(project: Handmade) -> Iterator[str]:
    """The address of the page; the process ends by an interrupt, without an error."""
    command = [sys.executable, "-m", "cultivar", "browse", "--no-open", "--port", "0", "--at", "HEAD"]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "CULTIVAR_SAMPLE_TOKEN": "qv7Zk2Lm9Xw4Rt6Y"}
    process = subprocess.Popen(command, cwd=project.folder, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    address = next(word for word in process.stdout.readline().split() if word.startswith("http://127.0.0.1:"))
    yield address.partition("/?")[0]
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=60)
    assert (process.returncode, rest.strip()) == (0, "stopped")


def ask(server: str, path: str, method: str = "GET", **headers: str) -> tuple[int, str, dict[str, str]]:
    connection = http.client.HTTPConnection(urlsplit(server).netloc, timeout=60)
    connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    return answer.status, answer.read().decode(), {name.lower(): value for name, value in answer.getheaders()}


def ids_on(page) -> list[str]:
    return page.eval_on_selector_all("a.row-link", "found => found.map(one => one.pathname.split('/')[2])")


def total(page) -> str:
    return page.locator("h1 small").inner_text()


# ---------------------------------------------------------------- what is shown


def test_pages_are_readable_by_everyone_and_inert(server, open_page, is_accessible, assert_inert, picture):
    paths = {
        "overview": "/",
        "table": "/table/demonstrations?q=script",
        "empty": "/table/demonstrations?q=nothinglikethat",
        "dropped": "/table/dropped/filter",
        "row": f"/row/{row_id('p')}",
        "ended": f"/row/{row_id('d')}",
    }
    for width, dark in ((1200, False), (400, True)):
        page = open_page(server + "/", width=width, dark=dark)
        for name, path in paths.items():
            page.goto(server + path)
            is_accessible(page)
            assert_inert(page)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            picture(page, f"browse-{name}-{width}")


def test_the_version_lists_tables_and_why_rows_ended(server, open_page):
    page = open_page(server + "/")
    assert page.locator(".cards .big").all_inner_texts() == [f"{ROWS:,}", "1"]
    assert "1 × near duplicate" in page.locator("table.stages").inner_text()
    assert "1 × no answer" in page.locator("table.stages").inner_text()
    assert page.locator("#at option").evaluate_all("found => found.map(one => one.value)")[:3] == [
        "workspace",
        "HEAD",
        "first",
    ]
    page.select_option("#at", "first")
    page.click("text=Switch")
    assert page.locator(".cards .big").all_inner_texts() == ["5"]


def test_pages_follow_one_another_by_key(server, open_page):
    everything = sorted(row_id(n) for n in range(ROWS))
    page = open_page(server + "/table/demonstrations")
    assert (total(page), ids_on(page)) == (f"{ROWS:,} rows", everything[:50])
    page.click("text=Next →")
    assert ids_on(page) == everything[50:100]
    page.click("text=← Previous")
    assert ids_on(page) == everything[:50]


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("版本应当", "chinese"),
        ("漢字まじり", "japanese"),
        ("รุ่นนี้", "thai"),
        ("كتاب البيانات", "arabic"),
        ("पंक्तियाँ", "hindi"),
        ("οδος", "greek"),
        ("GRÖSSE", None),
        ("größe öfen", "german"),
    ],
)
def test_search_reads_every_script(server, asked, name):
    status, body, _ = ask(server, f"/table/demonstrations?q={quote(asked)}")
    place = list(SCRIPTS).index(name) if name else None
    assert status == 200
    assert [one for one in (row_id(n) for n in range(20)) if f"/row/{one}" in body] == (
        [row_id(place)] if place is not None else []
    )


def test_search_filters_and_facets_combine(server, open_page):
    page = open_page(server + "/table/demonstrations?domain=math", script=False)
    assert total(page) == "66,667 of 200,000 rows"
    page.fill("#q", 'answered "item 66"')
    page.click(".search button")
    found = [n for n in range(17, ROWS) if f"item {n} ".startswith("item 66") and n % 3 == 0]
    assert total(page) == f"{len(found):,} of 200,000 rows"
    facet = page.locator(".facet", has=page.get_by_role("heading", name="votes"))
    votes = Counter(n % 4 if n % 10 else None for n in found)
    counted = sorted(
        ((rows, str(value)) for value, rows in votes.items() if value is not None), key=lambda one: -one[0]
    )
    assert facet.locator("li").first.inner_text().split() == [counted[0][1], str(counted[0][0])]
    page.click(".facet a:has-text('execution')")
    page.fill("[name='quality.from']", "0.5")
    page.click("text=Apply")
    found = [n for n in found if n % 2 and n % 101 >= 50]
    assert total(page) == f"{len(found):,} of 200,000 rows"
    assert len(page.locator(".chips li").all()) == 5
    page.click("text=Remove all")
    assert total(page) == "200,000 rows"


def test_rows_are_sorted_and_missing_values_found(server, open_page):
    page = open_page(server + "/table/demonstrations?sort=-quality")
    assert set(page.locator("td[data-name=quality]").all_inner_texts()) == {"1"}
    page.goto(server + "/table/demonstrations?votes.is=empty")
    assert total(page) == "20,000 of 200,000 rows"


def test_a_row_is_a_conversation_with_its_family(server, open_page):
    page = open_page(f"{server}/row/{row_id('p')[:12].upper()}?at=HEAD")
    assert page.locator(".turn .role").all_inner_texts() == ["system", "user"]
    assert [page.locator(f".side {tag}").first.inner_text().strip()[:1] for tag in ("ins", "del")] == ["9", "8"]
    assert r"price \u202e001" in page.locator(".turn.user").inner_text()
    page.click(f".relatives a:has-text('{row_id(0)[:10]}')")
    assert SCRIPTS["chinese"] in page.locator(".turns").first.inner_text()
    assert row_id("p")[:10] in page.locator("#lineage + .grid").inner_text()


def test_an_ended_row_says_why_and_shows_what_it_was_made_from(server, open_page, hostile):
    page = open_page(f"{server}/row/{row_id('d')}?table=dropped/filter")
    assert "near duplicate" in page.locator(".ending.dropped").inner_text()
    assert "no answer" in page.locator(".ending.quarantined").inner_text()
    assert "of the row in demonstrations" in page.locator("#conversation").inner_text()
    assert page.locator("a[href*='example.org']").count() == 0


def test_a_row_is_compared_with_another_version(server, open_page):
    newest = sorted(row_id(n) for n in range(ROWS))
    page = open_page(f"{server}/row/{newest[0]}?against=first")
    assert "The same row is there, with the same values" in page.locator("#comparison + p").inner_text()
    page.goto(f"{server}/row/{newest[9]}?against=first")
    assert "No row of demonstrations there" in page.locator("#comparison + p").inner_text()


def test_keys_lead_through_rows(server, open_page):
    page = open_page(server + "/table/demonstrations")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/row/**")
    assert sorted(row_id(n) for n in range(ROWS))[1] in page.url
    page.goto(server + "/table/demonstrations")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("/")
    page.keyboard.type("chain j k n")
    assert page.input_value("#q") == "chain j k n"


# ---------------------------------------------------------------- what is refused


def test_the_row_as_json_is_exact_and_inert(server, hostile):
    status, body, headers = ask(server, f"/row/{row_id('p')}.json")
    row = json.loads(body)
    assert (status, headers["content-type"]) == (200, "application/json")
    assert row["prompt"][1]["content"] == hostile["bidi"]
    assert "\u202e" not in body


def test_only_this_address_is_answered_and_only_reading(server):
    port = urlsplit(server).port
    for host in ("example.org", f"example.org:{port}", "127.0.0.1", f"127.0.0.1:{port + 1}", ""):
        assert ask(server, "/", Host=host)[0] == 400
    assert ask(server, "/", Host=f"localhost:{port}")[0] == 200
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        assert ask(server, "/", method)[0] == 405
    assert ask(server, "/", "HEAD")[:2] == (200, "")
    assert ask(server, "/style.css", Sec_Fetch_Site="cross-site", Sec_Fetch_Dest="script")[0] == 403
    assert ask(server, "/", Sec_Fetch_Site="cross-site", Sec_Fetch_Dest="document")[0] == 200


@pytest.mark.parametrize("path", ["/", "/style.css", "/row/nothing", "/table/nothing", "/nothing"])
def test_every_answer_carries_the_policy(server, path):
    _, _, headers = ask(server, path)
    assert headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'; script-src 'self'")
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize(
    "path",
    [
        "/table/../../../etc/passwd",
        "/table/..%2f..%2fparams",
        "/table/demonstrations?at=../../etc",
        "/table/demonstrations?at=--output=x",
        "/table/demonstrations?at=HEAD%00",
        "/table/demonstrations'%20OR%201=1?at=HEAD",
        "/row/%2e%2e%2fparams",
        "/row/abc",
        "/row/ffffffffffff",
    ],
)
def test_what_is_no_version_table_or_row_is_not_found(server, path):
    status, body, _ = ask(server, path)
    assert (status, "Not found" in body) == (404, True)


def test_secrets_of_the_environment_are_not_shown(server):
    _, body, _ = ask(server, "/table/demonstrations?q=qv7Zk2Lm9Xw4Rt6Y")
    assert "No row of demonstrations" in body
