import pytest
from hypothesis import given
from hypothesis import strategies as st

from devperfops_operator.wire.hosts import HOST_LENGTH, HOSTS, OTHERS, HostCounts, host_of


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://front-end/", "front-end"),
        ("https://Shop.Example.com.:8443/cart?token=secret", "shop.example.com"),
        ("http://user:p@ss@front-end?token=secret", "front-end"),
        ("http://front-end#secret", "front-end"),
        ("http://[2001:db8::1]:80/", "[2001:db8::1]"),
        ("null", ""),
        ("", ""),
        ("/only/a/path", ""),
        ("jdbc:postgresql://db/shop", ""),
    ],
)
def test_the_host_of_a_url_is_its_name_and_nothing_else(url: str, host: str) -> None:
    assert host_of(url) == host


@given(st.text())
def test_any_text_has_a_host_of_bounded_length(url: str) -> None:
    assert len(host_of(url)) <= HOST_LENGTH
    assert not set(host_of(f"http://{url}")) & set("/?#")


def counted(target: str, *hosts: str) -> dict[str, int]:
    counts = HostCounts(target)
    for host in hosts:
        counts.add(host)
    return counts.counts


@pytest.mark.parametrize(
    ("target", "host", "there"),
    [
        ("cart.shop.svc", "cart", True),
        ("cart.shop.svc", "cart.shop.svc.cluster.local", True),
        ("Cart.Example.com", "cart.example.com", True),
        ("cart.shop.svc", "cart.prod.svc", False),
        ("cart.shop.svc", "car", False),
        ("10.0.0.1", "10.0.0.11", False),
    ],
)
def test_other_names_of_the_target_are_the_target(target: str, host: str, there: bool) -> None:  # noqa: FBT001
    assert counted(target, host)[target] == there


def test_samples_without_a_host_are_not_counted() -> None:
    assert counted("cart", "", "") == {"cart": 0}


@given(st.lists(st.integers(0, 40).map("host-{}".format), max_size=100))
def test_however_many_hosts_there_are_few_are_named_and_none_is_lost(hosts: list[str]) -> None:
    counts = counted("host-40", *hosts)
    assert len(counts) <= HOSTS + 2
    assert sum(counts.values()) == len(hosts)
    assert counts["host-40"] == hosts.count("host-40")
    assert OTHERS in counts or len(set(hosts)) <= HOSTS + 1
