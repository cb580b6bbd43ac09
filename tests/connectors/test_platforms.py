import base64
import contextlib
import hashlib
import json
import logging
import ssl
import traceback
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote

import pytest
import rfc8785
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from dqv.connectors import platforms
from dqv.connectors.https import Answer, Https, Patience
from dqv.connectors.platforms import Description, Platform, Registered, data_of, fetch, load_platform
from dqv.core.errors import AddressError, RegistrationError, UsageError
from dqv.core.location import Credentials
from dqv.core.registration import Registration

NUMBER = "嘉数登〔2026〕0001/a?b#c"
SECRET = "geheim-key"
ENVIRONMENT = {"KEY": SECRET, "ACCESS": "geheim-access", "STORE": "geheim-store"}
QUICK = Patience(connect_s=0.5, silence_s=0.1, answer_s=0.2, attempts=2, pause_s=0.01)

ANSWER: dict[str, Any] = {
    "code": 0,
    "data": {
        "id": 2**63,
        "title": "织物检测图文",
        "no": NUMBER,
        "state": "VALID",
        "from": "2026-01-01 08:00:00",
        "until": 1861891200000,  # 2028-12-31T16:00Z: the next day in Shanghai
        "holder": {"name": "示例公司", "code": "913304990000000006", "phone": None},
        "text": {"amount": 35, "unit": "GB"},
        "scenes": [{"title": "问答", "who": None}, {"title": "摘要"}],
        "files": [{"text": "权属清晰", "list": [{"id": "d/1", "name": "权属.pdf"}]}],
        "where": [{"url": "s3://bucket/x", "keys": {"access_key": "geheim-1", "secret_key": "geheim-2"}}],
    },
}
DESCRIPTION: dict[str, Any] = {
    "name": "示例数据交易平台",
    "networks": ["127.0.0.0/8"],
    "record": "/datasets/{number}",
    "authentication": {"kind": "header", "header": "X-Key", "secret_env": "KEY"},
    "fields": {
        "name": "data.title",
        "applicant": {"name": "data.holder.name", "uscc": "data.holder.code"},
        "certificate": {
            "number": "data.no",
            "valid_from": "data.from",
            "valid_until": "data.until",
            "in_force": "data.state == 'VALID'",
        },
        "category": "data.kind == '3' && '行业专识数据集' || null",
        "modalities": {
            "text": {"scale": "join(' ', [to_string(data.text.amount), data.text.unit])"},
            "audio": {"scale": "data.audio"},
        },
        "scenarios": "data.scenes[].{title: title, user: who}",
    },
}


@dataclass
class World:
    """A platform's server, and a description of it in a file."""

    server: Any
    folder: Path

    @property
    def path(self) -> str:
        return "/api/datasets/" + quote(NUMBER, safe="")

    def answers(self, value: Any, path: str | None = None) -> None:
        self.server.routes[path or self.path] = (200, {}, json.dumps(value).encode())

    def platform(self, **changed: Any) -> Platform:
        values = {"base": f"{self.server.url}/api/", "ca": str(self.server.ca), **DESCRIPTION, **changed}
        file = self.folder / "platform.toml"
        file.write_text(tomli_w.dumps({name: value for name, value in values.items() if value is not None}))
        return load_platform(file, ENVIRONMENT, QUICK)

    def fetch(self, number: str = NUMBER, **changed: Any) -> Registered:
        return fetch(self.platform(**changed), number)

    def refusal(self, number: str = NUMBER, **changed: Any) -> str:
        """What is said; never a word of the answer or a secret."""
        with pytest.raises(UsageError) as caught:
            self.fetch(number, **changed)
        told = "".join(traceback.format_exception(caught.value))
        assert "geheim" not in told
        assert "织物" not in told
        return str(caught.value)


@pytest.fixture
def world(server: Any, tmp_path: Path) -> World:
    found = World(server, tmp_path)
    found.answers(ANSWER)
    return found


def with_data(**changed: Any) -> dict[str, Any]:
    return {**ANSWER, "data": {**ANSWER["data"], **changed}}


def fields(**changed: Any) -> dict[str, Any]:
    return {name: value for name, value in {**DESCRIPTION["fields"], **changed}.items() if value is not None}


def test_an_answer_becomes_a_registration(world: World) -> None:
    found = world.fetch()
    assert found.record == Registration.model_validate(
        {
            "name": "织物检测图文",
            "applicant": {"name": "示例公司", "uscc": "913304990000000006"},
            "certificate": {
                "number": NUMBER,
                "platform": "示例数据交易平台",
                "valid_from": date(2026, 1, 1),
                "valid_until": date(2029, 1, 1),
                "in_force": True,
            },
            "modalities": {"text": {"scale": "35 GB"}},
            "scenarios": [{"title": "问答"}, {"title": "摘要"}],
        }
    )
    method, path, headers, _ = world.server.asked[0]
    assert (method, path, headers["x-key"]) == ("GET", world.path, SECRET)


def test_the_digest_is_of_the_answer_as_canonical_json(world: World) -> None:
    as_doubles = {**ANSWER, "data": {**ANSWER["data"], "id": float(2**63)}}
    expected = hashlib.sha256(rfc8785.dumps(as_doubles)).hexdigest()
    assert world.fetch().sha256 == expected
    spaced = json.dumps(dict(reversed(ANSWER.items())), indent=4).encode()
    world.server.routes[world.path] = (200, {}, spaced)
    assert world.fetch().sha256 == expected
    world.answers(with_data(title="another"))
    assert world.fetch().sha256 != expected


@pytest.mark.parametrize(
    "number", ["a/b", "a?b=c", "a#b", "%2e%2e", "..a", "a&b", "{number}", "号", "a+b", "a\\b", "a:b@c"]
)
def test_a_number_stays_one_part_of_the_path(world: World, number: str) -> None:
    path = f"/api/datasets/{quote(number, safe='')}"
    world.answers(with_data(no=number), path)
    assert world.fetch(number).record.certificate is not None
    assert world.server.asked[0][1] == path


@pytest.mark.parametrize("number", ["", ".", "..", "/", "../..", "a b", "a\n", "a" * 201, "\udcff", "a\x00"])
def test_what_is_no_number_is_asked_of_nobody(world: World, number: str) -> None:
    assert "registration number" in world.refusal(number)
    assert world.server.asked == []


def test_the_record_of_another_number_is_refused(world: World) -> None:
    world.answers(with_data(no=NUMBER + "1"))
    assert "not the record of the number asked for" in world.refusal()
    assert "not the record" in world.refusal(fields=fields(certificate=None))


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ([], "does not fit"),
        ("织物", "does not fit"),
        (None, "does not fit"),
        ({"data": None}, "does not fit"),
        (with_data(title=None), "field name: Field required"),
        (with_data(holder=None), "field applicant: Field required"),
        (with_data(title=["geheim"]), "field name: Input should be a valid string"),
        (with_data(title="x" * 20_001), "field name"),
        (with_data(text={"amount": 35, "unit": "geheim"}), r"field modalities.text.scale: it cannot be used"),
        (with_data(text={"amount": 35, "unit": None}), "the expression of modalities.text.scale does not fit"),
        (with_data(text=None), "the expression of modalities.text.scale does not fit"),
        (with_data(until="geheim"), "certificate.valid_until is no date"),
        (with_data(until=["geheim"]), "certificate.valid_until is no date"),
        (with_data(scenes=[{"title": " "}]), "field scenarios.0.title"),
        (with_data(scenes={"title": "geheim"}), "field scenarios"),
        (with_data(scenes="geheim"), "field scenarios"),
    ],
)  # fmt: skip
def test_an_answer_that_lacks_something_names_the_field(world: World, value: Any, told: str) -> None:
    world.answers(value)
    if "scenarios" in told and not isinstance(value["data"]["scenes"], list):
        assert told in world.refusal(fields=fields(scenarios="data.scenes"))
    else:
        assert told in world.refusal()


def test_a_field_that_is_not_asked_for_is_not_quoted(world: World) -> None:
    world.answers(with_data(scenes=[{"title": "x", "geheim 织物": 1}]))
    assert "field scenarios.0.?: Extra" in world.refusal(fields=fields(scenarios="data.scenes"))


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"{", b"\xff\xfe", b'{"a": NaN}', b'{"a": 1e999}', b'{"a": 1, "a": 2}', b'{"a": "\\ud800"}', b"[" * 100_000,
     b'{"a": ' + b"9" * 400 + b"}", b'{"a": ' + b"9" * 5000 + b"}"],
)  # fmt: skip
def test_what_is_not_strict_json_is_refused(world: World, body: bytes) -> None:
    world.server.routes[world.path] = (200, {}, body)
    assert "not strict JSON" in world.refusal()


def test_an_answer_that_is_nested_deeply_is_refused(world: World) -> None:
    world.server.routes[world.path] = (200, {}, b'{"a":' * 900 + b"1" + b"}" * 900)
    world.refusal(fields=fields(name="a"))


def test_an_answer_over_the_limit_is_refused(world: World) -> None:
    world.answers(with_data(more="x" * platforms._MOST_ANSWER_BYTES))
    assert "larger than" in world.refusal()


@pytest.mark.parametrize(
    ("status", "told"),
    [(404, "knows nothing"), (401, "environment variable KEY"), (403, "environment variable KEY"), (500, "answers 500"), (302, "redirect")],
)  # fmt: skip
def test_a_status_says_what_to_do(world: World, status: int, told: str) -> None:
    world.server.routes[world.path] = (status, {"Location": "https://geheim.example/"}, b"geheim")
    assert told in world.refusal()


def test_without_authentication_none_is_sent(world: World) -> None:
    world.fetch(authentication=None)
    assert "x-key" not in world.server.asked[0][2]
    world.server.routes[world.path] = (401, {}, b"")
    assert "wants authentication" in world.refusal(authentication=None)


def test_a_prefix_goes_before_the_secret(world: World) -> None:
    world.fetch(authentication={"kind": "header", "prefix": "Bearer ", "secret_env": "KEY"})
    assert world.server.asked[0][2]["authorization"] == f"Bearer {SECRET}"


_CONTEXT = ssl.create_default_context()
_TEXT = st.text(st.characters(codec="utf-8"), max_size=5)
_JSON = st.recursive(
    st.none()
    | st.sampled_from(["0", "1 GB", "0a" * 32])
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcde"), inner, max_size=5),
    max_leaves=20,
)


@dataclass(frozen=True)
class Scripted(Https):
    """Answers without a server, so that many can be tried."""

    body: bytes = b""

    def request(self, url: str, **_: Any) -> Answer:
        return Answer(200, self.body)


@given(_JSON)
def test_any_json_becomes_a_registration_or_is_refused(value: Any) -> None:
    expressions = {
        "name": "a",
        "applicant": {"name": "b", "uscc": "c.d"},
        "certificate": {"number": "a", "valid_until": "e", "in_force": "c"},
        "modalities": {"text": {"scale": "to_string(d)"}},
        "scenarios": "b[].{title: @}",
        "locations": "c",
        "attestations": "d[].{rule: 'value', statement: a, documents: b}",
    }
    values = {"name": "n", "base": "https://platform.example", "record": "{number}", "fields": expressions,
              "documents": "{number}/{document}"}  # fmt: skip
    platform = Platform(
        Description.model_validate(values), {}, Scripted(_CONTEXT, body=json.dumps(value).encode())
    )
    with contextlib.suppress(RegistrationError):
        assert fetch(platform, "0").record.certificate is not None


# OAuth2 client credentials


def oauth2(world: World, **more: Any) -> dict[str, Any]:
    token = f"{world.server.url}/token"
    return {"kind": "client_credentials", "token": token, "client": "dqv:1", "secret_env": "KEY", **more}


def gives_tokens(world: World, *, valid: int) -> None:
    """Every token has a number; only that one opens the record."""
    given: list[int] = []

    def token(_: Any) -> Any:
        given.append(len(given) + 1)
        return (
            200,
            {},
            json.dumps(
                {"access_token": f"geheim-{given[-1]}", "token_type": "Bearer", "expires_in": 1}
            ).encode(),
        )

    def record(handler: Any) -> Any:
        if handler.headers["Authorization"] == f"Bearer geheim-{valid}":
            return 200, {}, json.dumps(ANSWER).encode()
        return 401, {}, b""

    world.server.routes |= {"/token": token, world.path: record}


def paths(world: World) -> list[str]:
    return ["token" if path == "/token" else "record" for _, path, _, _ in world.server.asked]


def test_a_token_is_asked_for_once(world: World) -> None:
    gives_tokens(world, valid=1)
    world.fetch(authentication=oauth2(world, scope="read write"))
    assert paths(world) == ["token", "record"]
    _, _, headers, body = world.server.asked[0]
    assert parse_qs(body.decode()) == {"grant_type": ["client_credentials"], "scope": ["read write"]}
    assert base64.b64decode(headers["authorization"].removeprefix("Basic ")) == b"dqv%3A1:geheim-key"


def test_the_secret_may_go_in_the_form(world: World) -> None:
    gives_tokens(world, valid=1)
    world.fetch(authentication=oauth2(world, send="form"))
    _, _, headers, body = world.server.asked[0]
    assert parse_qs(body.decode())["client_secret"] == [SECRET]
    assert "authorization" not in headers


def test_an_expired_token_is_asked_for_anew_once(world: World) -> None:
    gives_tokens(world, valid=2)
    world.fetch(authentication=oauth2(world))
    assert paths(world) == ["token", "record", "token", "record"]


def test_tokens_that_open_nothing_are_not_asked_for_for_ever(world: World) -> None:
    gives_tokens(world, valid=9)
    assert "environment variable KEY" in world.refusal(authentication=oauth2(world))
    assert paths(world) == ["token", "record", "token", "record"]


@pytest.mark.parametrize(
    "answer",
    [(401, {}, b'{"error": "geheim"}'), (400, {}, b""), (200, {}, b""), (200, {}, b"[]"), (200, {}, b"{}"), (302, {}, b""),
     (200, {}, b'{"access_token": 7}'), (200, {}, b'{"access_token": ""}'), (200, {}, b'{"access_token": "a\\r\\nX: geheim"}'),
     (200, {}, b" " * 70_000), (404, {}, b"")],
)  # fmt: skip
def test_a_token_that_is_refused_is_told(world: World, answer: Any) -> None:
    world.server.routes["/token"] = answer
    assert world.server.url + "/token" in world.refusal(authentication=oauth2(world))
    assert paths(world) == ["token"]


# lists


def rows(count: int, first: int = 0) -> list[dict[str, str]]:
    return [{"title": f"场景{number}"} for number in range(first, first + count)]


def listed(world: World, pages: Any, **more: Any) -> dict[str, Any]:
    """A description in which scenarios have an address of their own, where pages are by page number or cursor."""
    entries = {
        "field": "scenarios",
        "path": "scenes?size=2&no={number}",
        "items": "rows[].{title: title}",
        **more,
    }
    if pages is not None:
        entries["pages"] = pages
    return {"fields": fields(scenarios=None), "lists": [entries]}


def pages_of(world: World, found: dict[str, Any]) -> None:
    """The answers by the parameter `p`; "" stands for none."""

    def answer(handler: Any) -> Any:
        key = parse_qs(handler.path.partition("?")[2]).get("p", [""])[0]
        return 200, {}, json.dumps(found.get(key, {"rows": []})).encode()

    world.server.routes["/api/scenes"] = answer


def test_a_list_that_is_not_paged_is_asked_for_once(world: World) -> None:
    pages_of(world, {"": {"rows": rows(3)}})
    assert len(world.fetch(**listed(world, None)).record.scenarios) == 3
    assert len(world.server.asked) == 2
    assert world.server.asked[1][1] == f"/api/scenes?size=2&no={quote(NUMBER, safe='')}"


def test_numbered_pages_are_read_until_one_is_empty(world: World) -> None:
    pages_of(world, {"0": {"rows": rows(2)}, "2": {"rows": rows(2, 2)}, "4": {"rows": rows(1, 4)}})
    found = world.fetch(**listed(world, {"kind": "number", "parameter": "p", "first": 0, "step": 2}))
    assert [each.title for each in found.record.scenarios] == [f"场景{number}" for number in range(5)]
    assert len(world.server.asked) == 5


def test_pages_by_cursor_are_read_until_none_is_named(world: World) -> None:
    pages_of(
        world,
        {
            "": {"rows": rows(2), "next": "a b"},
            "a b": {"rows": [], "next": 7},
            "7": {"rows": rows(1, 2), "next": ""},
        },
    )
    found = world.fetch(**listed(world, {"kind": "cursor", "parameter": "p", "next": "next"}))
    assert len(found.record.scenarios) == 3
    assert len(world.server.asked) == 4


def test_every_page_is_in_the_digest(world: World) -> None:
    pages = {"kind": "number", "parameter": "p"}
    pages_of(world, {"1": {"rows": rows(2)}, "2": {"rows": rows(1)}})
    first = world.fetch(**listed(world, pages)).sha256
    pages_of(world, {"1": {"rows": rows(2)}, "2": {"rows": rows(1, 1)}})
    assert world.fetch(**listed(world, pages)).sha256 != first


def test_the_same_page_twice_is_refused(world: World) -> None:
    world.server.routes["/api/scenes"] = (200, {}, json.dumps({"rows": rows(2), "next": "x"}).encode())
    assert "same page twice" in world.refusal(**listed(world, {"kind": "number", "parameter": "p"}))
    assert "same page twice" in world.refusal(
        **listed(world, {"kind": "cursor", "parameter": "p", "next": "next"})
    )


@pytest.mark.parametrize(
    "pages", [{"kind": "number", "parameter": "p"}, {"kind": "cursor", "parameter": "p", "next": "next"}]
)
def test_paging_without_end_is_refused(world: World, monkeypatch: pytest.MonkeyPatch, pages: Any) -> None:
    monkeypatch.setattr(platforms, "_MOST_PAGES", 5)
    world.server.routes["/api/scenes"] = lambda _: (
        200, {}, json.dumps({"rows": rows(1, len(world.server.asked)), "next": len(world.server.asked)}).encode(),
    )  # fmt: skip
    assert "does not end within 5 pages" in world.refusal(**listed(world, pages))
    assert len(world.server.asked) == 6


def test_entries_pages_bytes_and_time_are_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    pages_of(world, {"1": {"rows": rows(2)}, "2": {"rows": rows(2, 2)}})
    changed = listed(world, {"kind": "number", "parameter": "p"})
    size = len(json.dumps(ANSWER).encode())
    for name, most, told in [
        ("_MOST_ENTRIES", 3, "more than 3 entries"),
        ("_MOST_ANSWERS_BYTES", size + 30, "together"),
        ("_MOST_S", -1.0, "in all"),
    ]:
        with monkeypatch.context() as patched:
            patched.setattr(platforms, name, most)
            assert told in world.refusal(**changed)
    monkeypatch.setattr(platforms, "_MOST_ENTRIES", 4)
    assert len(world.fetch(**changed).record.scenarios) == 4


@pytest.mark.parametrize("cursor", [["geheim"], {"geheim": 1}, 1.5, True, "x" * 2001])
def test_a_cursor_that_is_none_is_refused(world: World, cursor: Any) -> None:
    pages_of(world, {"": {"rows": rows(1), "next": cursor}})
    assert "no cursor" in world.refusal(**listed(world, {"kind": "cursor", "parameter": "p", "next": "next"}))


def test_a_list_that_is_none_is_refused(world: World) -> None:
    pages_of(world, {"": {"rows": "geheim"}})
    assert "gives no list" in world.refusal(**listed(world, None, items="rows"))


# documents


def documents(world: World, *, said: str | None = None) -> dict[str, Any]:
    file = {"id": "d/1", "name": "权属.pdf"} | ({"sum": said} if said else {})
    world.answers(with_data(files=[{"text": "权属清晰", "list": [file]}]))
    listed = "data.files[].{rule: 'legality', statement: text, documents: list[].{id: id, name: name, sha256: sum}}"
    return {"documents": "/datasets/{number}/files/{document}", "fields": fields(attestations=listed)}


def test_a_document_is_fetched_for_its_digest(world: World) -> None:
    world.server.routes[f"{world.path}/files/d%2F1"] = (200, {}, b"%PDF")
    digest = hashlib.sha256(b"%PDF").hexdigest()
    for said in (None, digest, digest.upper()):
        found = world.fetch(**documents(world, said=said)).record.attestations[0]
        assert (found.documents[0].name, found.documents[0].sha256) == ("权属.pdf", digest)


def test_a_document_with_another_digest_than_said_is_refused(world: World) -> None:
    world.server.routes[f"{world.path}/files/d%2F1"] = (200, {}, b"%PDF")
    assert "another digest" in world.refusal(**documents(world, said="0" * 64))


def test_a_document_that_is_not_there_is_told(world: World) -> None:
    assert "knows nothing" in world.refusal(**documents(world))


def test_documents_are_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platforms, "_MOST_DOCUMENTS", 0)
    assert "more than 0 documents" in world.refusal(**documents(world))
    monkeypatch.setattr(platforms, "_MOST_DOCUMENTS", 1)
    monkeypatch.setattr(platforms, "_MOST_DOCUMENT_BYTES", 3)
    world.server.routes[f"{world.path}/files/d%2F1"] = (200, {}, b"%PDF")
    assert "larger than 3 bytes" in world.refusal(**documents(world))


# where the data lies

WHERE = "data.where[].{url: url, endpoint: endpoint, credentials: keys}"
STORES = {
    "main": {
        "endpoint": "https://store.example",
        "access_key_env": "ACCESS",
        "secret_key_env": "STORE",
        "region": "r",
    }
}


def test_credentials_of_an_answer_are_secrets(world: World, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        record = world.fetch(fields=fields(locations=WHERE)).record
    credentials = record.locations[0].credentials
    assert isinstance(credentials, Credentials)
    assert credentials.secret_key.get_secret_value() == "geheim-2"
    assert "geheim" not in f"{record!r}{record.model_dump_json()}{caplog.text}"


def test_credentials_by_name_are_those_of_the_description(world: World) -> None:
    for endpoint in (None, "https://store.example"):
        world.answers(with_data(where=[{"url": "s3://b/x", "keys": "main", "endpoint": endpoint}]))
        found = world.fetch(fields=fields(locations=WHERE), stores=STORES).record.locations[0]
        assert (found.endpoint, found.region) == ("https://store.example", "r")
        assert isinstance(found.credentials, Credentials)
        assert found.credentials.access_key.get_secret_value() == "geheim-access"


@pytest.mark.parametrize(
    "where", [{"keys": "main", "endpoint": "https://evil.example"}, {"keys": "KEY"}, {"keys": "other"}]
)
def test_a_record_gets_no_credentials_for_another_endpoint_and_no_other_variable(
    world: World, where: Any
) -> None:
    world.answers(with_data(where=[{"url": "s3://b/x", **where}]))
    assert "does not have for its endpoint" in world.refusal(fields=fields(locations=WHERE), stores=STORES)


def located(*urls: str) -> Registration:
    values = {"name": "n", "applicant": {"name": "a"}, "modalities": {"text": {"scale": "1 GB"}}}
    return Registration.model_validate({**values, "locations": [{"url": url} for url in urls]})


def test_a_folder_is_read_below_the_one_that_is_allowed(world: World) -> None:
    allowed = world.folder / "all data"
    (allowed / "one").mkdir(parents=True)
    (allowed / "out").symlink_to("/etc")
    platform = world.platform(folders="all data")
    (found,) = data_of(platform, located(f"file://{allowed}/one".replace(" ", "%20"))).locations
    assert (found.url, found.name) == (str(allowed / "one"), "")
    for wrong in (f"file://{allowed}", f"file://{allowed}/..", f"file://{allowed}/../other", f"file://{allowed}/out", "file:///etc",
                  "file:///etc%00", "file://", f"{allowed}/one", f"file://host{allowed}/one", "ftp://x.example/x", "FILE:one"):  # fmt: skip
        with pytest.raises(UsageError, match="record"):
            data_of(platform, located(wrong))
    with pytest.raises(UsageError, match="allows"):
        data_of(world.platform(), located(f"file://{allowed}/one"))


def test_data_lies_somewhere_and_nowhere_twice(world: World) -> None:
    with pytest.raises(UsageError, match="names no location"):
        data_of(world.platform(), located())
    for two in (("s3://b/x", "s3://b/x"), ("s3://b/x", "s3://b/x/"), ("s3://b/x/y", "s3://b"), ("s3://b/x/y", "s3://b/x"),
                ("https://127.0.0.1/x/", "https://127.0.0.1:443/x/"), ("s3://b/x", "s3://b/x-y", "s3://b/x/y")):  # fmt: skip
        with pytest.raises(UsageError, match="twice"):
            data_of(world.platform(), located(*two))
    assert len(data_of(world.platform(), located("s3://b/x", "s3://b/xy", "s3://c/x")).locations) == 3


def test_an_address_of_data_with_a_query_is_refused_and_not_shown(world: World) -> None:
    """It would stand in the report."""
    with pytest.raises(UsageError, match="query") as caught:
        data_of(world.platform(), located("https://127.0.0.1/x.jsonl?signature=SECRET"))
    assert "SECRET" not in str(caught.value)


def test_several_places_have_names(world: World) -> None:
    found = data_of(world.platform(), located("s3://b/x", "s3://c/y")).locations
    assert [(each.url, each.name) for each in found] == [("s3://b/x", "1"), ("s3://c/y", "2")]


@pytest.mark.parametrize("url", ["https://127.0.0.2/x/", "https://127.1/x", "https://[::ffff:10.0.0.1]/x"])
def test_data_does_not_lie_inside(world: World, url: str) -> None:
    with pytest.raises(AddressError):
        data_of(world.platform(networks=[]), located(url))
    record = located("s3://b/x")
    inside = record.locations[0].model_copy(update={"endpoint": url})
    with pytest.raises(AddressError):
        data_of(world.platform(networks=[]), record.model_copy(update={"locations": (inside,)}))


# the description


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"base": "http://platform.example"}, "field base: .*https"),
        ({"base": "https://platform.example/?a=b"}, "field base: .*query"),
        ({"base": None}, "field base"),
        ({"record": "/datasets"}, r"field record: .*must hold \{number\}"),
        ({"record": "/{number}/{number}"}, "field record"),
        ({"record": "/{number.real}"}, "field record"),
        ({"record": "/{number!r}"}, "field record"),
        ({"record": "/{number"}, "field record"),
        ({"documents": "/{number}"}, "field documents"),
        ({"networks": ["10.0.0.1/8"]}, "field networks"),
        ({"fields": fields(titel="x")}, r"field fields\.titel: .*no such field"),
        ({"fields": fields(name="data.[")}, r"line \d+, field fields\.name: no JMESPath"),
        ({"fields": fields(name=7)}, r"field fields\.name: no JMESPath"),
        ({"fields": fields(applicant={"name": ""})}, r"field fields\.applicant\.name"),
        ({"authentication": {"kind": "header", "header": "X: Y", "secret_env": "KEY"}}, "authentication"),
        ({"authentication": {"kind": "header", "secret_env": "a b"}}, "authentication"),
        ({"authentication": {"kind": "header", "prefix": "a\r\n", "secret_env": "KEY"}}, "authentication"),
        ({"authentication": {"kind": "password"}}, "authentication"),
        ({"lists": [{"field": "scenarios", "path": "{number}", "items": "x"}]}, "`fields` and `lists`"),
        ({"lists": [{"field": "name", "path": "{number}", "items": "x"}]}, r"lists\.0\.field"),
        ({"secret": "geheim"}, "field secret"),
        ({"ca": "none.pem"}, "authority none.pem"),
        ({"authentication": {"kind": "header", "secret_env": "UNSET"}}, "variable UNSET is not set"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_description_is_told_before_anything_is_asked(
    world: World, changed: Any, told: str
) -> None:
    with pytest.raises(UsageError, match=told):
        world.platform(**changed)
    assert world.server.asked == []


@pytest.mark.parametrize("value", ["", "a b", "a\r\nX: y", "密"])
def test_a_secret_that_no_header_can_carry_is_not_quoted(world: World, value: str) -> None:
    world.platform()
    with pytest.raises(UsageError, match="environment variable KEY") as caught:
        load_platform(world.folder / "platform.toml", {**ENVIRONMENT, "KEY": value})
    assert not value or value not in str(caught.value)


def test_no_secret_is_shown_of_a_platform(world: World) -> None:
    platform = world.platform(stores=STORES)
    assert "geheim" not in f"{platform!r}{platform.description.model_dump_json()}"


def test_an_address_inside_needs_its_network_in_the_description(world: World) -> None:
    with pytest.raises(AddressError, match="lies inside"):
        world.fetch(networks=["10.0.0.0/8"])
    assert world.server.asked == []


@pytest.mark.parametrize("server", ["platform.example"], indirect=True)
def test_a_platform_whose_certificate_is_for_another_name_is_not_asked(world: World) -> None:
    assert "certificate" in world.refusal()
    assert world.server.asked == []
