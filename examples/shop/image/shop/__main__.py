"""`python3 -m shop catalogue|carts|orders`: one of the services, on port 8080."""

from __future__ import annotations

import argparse

from aiohttp import web

from shop.carts import Carts
from shop.catalogue import Catalogue
from shop.orders import Orders
from shop.service import Service


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(prog="shop")
    parser.add_argument("service", choices=("catalogue", "carts", "orders"))
    parser.add_argument("--release", default="1", help="what it calls itself")
    parser.add_argument(
        "--names",
        choices=("together", "each"),
        default="together",
        help="how orders asks for the names of articles: all in one request, or one after the other",
    )
    parser.add_argument(
        "--payment",
        choices=("first", "locked"),
        default="first",
        help="when an order is paid: before it is written, or while it locks the table of orders",
    )
    given = parser.parse_args()
    service = Service(given.service, given.release)
    routes = {
        "catalogue": Catalogue(service).routes,
        "carts": Carts(service).routes,
        "orders": Orders(
            service, one_request=given.names == "together", paid_first=given.payment == "first"
        ).routes,
    }
    web.run_app(service.app(routes[given.service]()), port=8080, access_log=None, print=None)


main()
