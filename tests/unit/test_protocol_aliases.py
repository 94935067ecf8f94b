"""Which virtual host a host's name stands for: the index alone."""

from __future__ import annotations

import pytest

from tests.builders import shop_host
from xds.protocol.aliases import AliasIndex
from xds.protocol.resource import Resource


def an_index(*resources: Resource) -> AliasIndex:
    index = AliasIndex()
    for resource in resources:
        index.replace(None, resource)
    return index


HOSTS = (
    shop_host("exact", "www.example.com", "[::1]"),
    shop_host("port", "www.example.com:8443"),
    shop_host("long", "*.shop.example.com", "*-eu.example.com"),
    shop_host("short", "*.example.com"),
    shop_host("head", "www.*", "www.example.*"),
    shop_host("rest", "*"),
)


@pytest.mark.parametrize(
    ("host", "target"),
    [
        ("www.example.com", "exact"),
        ("WWW.Example.COM", "exact"),
        ("a.shop.example.com", "long"),
        ("shop-eu.example.com", "long"),
        ("-eu.example.com", "short"),
        ("shop.example.com", "short"),
        (".example.com", "rest"),
        ("www.example.org", "head"),
        ("www.", "rest"),
        ("example.net", "rest"),
        ("", "rest"),
        ("no:port", "rest"),
    ],
)
def test_the_best_domain_wins(host: str, target: str) -> None:
    assert an_index(*HOSTS).targets(f"shop/{host}") == {f"shop/{target}"}


@pytest.mark.parametrize(
    ("host", "targets"),
    [
        ("www.example.com:8443", {"shop/port", "shop/exact"}),
        ("www.example.com:80", {"shop/head", "shop/exact"}),
        ("[::1]:80", {"shop/rest", "shop/exact"}),
        ("a.b.example.com:1", {"shop/rest", "shop/short"}),
        ("a:b:1", {"shop/rest"}),
    ],
)
def test_a_port_may_count_or_not(host: str, targets: set[str]) -> None:
    """The client knows: whatever it does, it has the virtual host that it would choose of all."""
    assert an_index(*HOSTS).targets(f"shop/{host}") == targets


def test_another_route_configuration_has_other_hosts() -> None:
    index = an_index(*HOSTS)
    assert not any(map(index.targets, ("other/www.example.com", "www.example.com", "", "/", "shop")))


def test_a_route_configuration_may_have_slashes_in_its_name() -> None:
    host = Resource.of("", "a/b/c/web", b"", aliases=("a/b/c/www.example.com",))  # type: ignore[arg-type]
    assert an_index(host).targets("a/b/c/www.example.com") == {"a/b/c/web"}


def test_domains_come_and_go() -> None:
    index = an_index(shop_host("web", "a", "*.b"))
    index.replace(shop_host("web", "a", "*.b"), shop_host("web", "a", "c.*"))
    assert [bool(index.targets(f"shop/{host}")) for host in ("a", "x.b", "c.x")] == [True, False, True]
    index.replace(shop_host("web", "a", "c.*"), None)
    assert not any(index.targets(f"shop/{host}") for host in ("a", "c.x"))


def test_of_two_that_claim_a_domain_it_is_the_first_and_then_the_other() -> None:
    index = an_index(shop_host("b", "*.x"), shop_host("a", "*.x"))
    assert index.targets("shop/1.x") == {"shop/a"}
    index.replace(shop_host("a", "*.x"), None)
    assert index.targets("shop/1.x") == {"shop/b"}


def test_only_a_change_of_aliases_counts_as_one() -> None:
    index = an_index(shop_host("web", "a"))
    before = index.changes
    index.replace(shop_host("web", "a"), shop_host("web", "a", content="b"))
    assert index.changes == before
    index.replace(shop_host("web", "a"), shop_host("web", "b"))
    assert index.changes > before
