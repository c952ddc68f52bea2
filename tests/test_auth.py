"""API keys: who comes in, whose jobs are seen, and when a gateway refuses to start."""

from collections.abc import Iterator

import httpx
import numpy as np
import pytest

from api.auth.authentication import require_safe_address
from api.auth.credentials import BadKeys, digest
from api.auth.keyring import Keyring
from api.settings import GatewaySettings
from worker.settings import BadSettings

from samples import pngs
from services import Services, lone_gateway, new_key

PNG = {"Content-Type": "image/png"}


@pytest.fixture(scope="module")
def keys() -> tuple[str, str, str]:
    """Two keys and the setting that admits them."""
    (alice, first), (bob, second) = new_key(), new_key()
    return alice, bob, f"{first} {second}"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, keys: tuple[str, str, str]) -> Iterator[Services]:
    """A gateway that asks for keys; no worker."""
    folder = tmp_path_factory.mktemp("guarded")
    with lone_gateway(folder, INKQUEUE_API_KEYS=keys[2]) as running:
        yield running


def client(services: Services, key: str | None) -> httpx.Client:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return httpx.Client(base_url=services.url, headers=headers)


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
    ],
)
def test_without_keys_another_sites_page_changes_nothing(
    http: httpx.Client, headers: dict[str, str]
) -> None:
    before = http.get("/v1/webhooks").json()
    for method, path in (
        ("POST", "/v1/webhooks"),
        ("POST", "/v1/jobs"),
        ("PUT", "/v1/jobs/a"),
        ("POST", "/v1/webhooks/callback/secret"),
        ("DELETE", "/v1/jobs/a"),
    ):
        answer = http.request(method, path, headers=headers, content=b'{"url": "https://a.example/"}')
        assert answer.status_code == 403, (method, path)
        assert answer.json()["type"] == "/problems/cross-site"
    assert http.get("/v1/webhooks", headers=headers).json() == before


@pytest.mark.parametrize("site", ["same-origin", "none", None, "https"])
def test_without_keys_its_own_page_and_programs_are_let_in(
    http: httpx.Client, rng: np.random.Generator, site: str | None
) -> None:
    own = str(http.base_url).rstrip("/")
    behind_a_proxy = {"Origin": "https://elsewhere.example"}
    headers = behind_a_proxy | {"Sec-Fetch-Site": site} if site else {"Origin": own}
    if site == "https":  # a proxy speaks it
        headers = {"Origin": own.replace("http:", "https:")}
    answer = http.post("/v1/jobs", headers=PNG | headers, content=pngs(1, rng)[0])
    assert answer.status_code == 202


@pytest.mark.parametrize("key", [None, "", "ink_", "nonsense", "ink_12345678_" + "x" * 43, "é" * 9])
def test_without_a_valid_key_nothing_is_told(guarded: Services, key: str | None) -> None:
    headers = {} if key is None else {"X-API-Key": key.encode()}
    for path in ("/v1/jobs", "/v1/models", "/v1/jobs/some/results"):
        answer = httpx.get(guarded.url + path, headers=headers)
        assert answer.status_code == 401
        wanted = 'Bearer error="invalid_token"' if key else "Bearer"
        assert answer.headers["www-authenticate"] == wanted
        assert answer.json()["type"] == "/problems/unauthorized"
        assert ("valid; send another as" in answer.json()["detail"]) == bool(key)


def test_a_key_opens_in_either_header(guarded: Services, keys: tuple[str, str, str]) -> None:
    for headers in (
        {"Authorization": f"Bearer {keys[0]}"},
        {"Authorization": f"bearer  {keys[0]}"},
        {"X-API-Key": keys[0]},
        {"X-API-Key": keys[0], "Authorization": "Basic of a proxy"},
    ):
        assert httpx.get(guarded.url + "/v1/jobs", headers=headers).status_code == 200


def test_a_key_in_the_address_opens_nothing(guarded: Services, keys: tuple[str, str, str]) -> None:
    answer = httpx.get(guarded.url + "/v1/jobs", params={"api_key": keys[0]})
    assert answer.status_code == 401


def test_another_owners_job_looks_like_none(
    guarded: Services, keys: tuple[str, str, str], rng: object
) -> None:
    with client(guarded, keys[0]) as alice, client(guarded, keys[1]) as bob:
        made = alice.put("/v1/jobs/mine", content=pngs(1, rng)[0], headers=PNG)  # type: ignore[arg-type]
        assert made.status_code == 202
        for method, path in (
            ("GET", ""),
            ("GET", "/results"),
            ("GET", "/items/0"),
            ("GET", "/items/0/image"),
            ("POST", "/cancel"),
            ("POST", "/retry"),
            ("DELETE", ""),
        ):
            foreign = bob.request(method, f"/v1/jobs/mine{path}")
            absent = bob.request(method, f"/v1/jobs/none{path}")
            assert foreign.status_code == absent.status_code == 404
            assert foreign.text.replace("mine", "none") == absent.text
        assert bob.get("/v1/jobs").json()["data"] == []
        assert alice.get("/v1/jobs/mine").status_code == 200


def test_without_keys_only_loopback_is_served() -> None:
    for open_to_others in (
        GatewaySettings(host="0.0.0.0"),
        GatewaySettings(host="127.0.0.1", published="0.0.0.0"),
    ):
        with pytest.raises(BadSettings, match="INKQUEUE_API_KEYS"):
            require_safe_address(open_to_others, Keyring(open_to_others))
    for safe in (
        GatewaySettings(host="127.0.0.1"),
        GatewaySettings(host="::1"),
        GatewaySettings(host="localhost"),
        GatewaySettings(host="0.0.0.0", allow_anonymous=True),
        GatewaySettings(host="0.0.0.0", published="127.0.0.1"),
        GatewaySettings(host="0.0.0.0", api_keys=new_key()[1]),
    ):
        require_safe_address(safe, Keyring(safe))


def test_a_key_is_stored_as_its_hash_only() -> None:
    key, line = new_key()
    assert key not in line
    assert line.endswith(digest(key))
    keyring = Keyring(GatewaySettings(api_keys=line))
    known = keyring.find(key)
    assert known is not None
    assert known.owner == line.split(":")[0]
    assert keyring.find(key[:-1] + ("A" if key[-1] != "A" else "B")) is None


def test_unreadable_keys_are_refused_unshown() -> None:
    with pytest.raises(BadKeys) as error:
        Keyring(GatewaySettings(api_keys="secret-in-the-wrong-place"))
    assert "secret" not in str(error.value)
