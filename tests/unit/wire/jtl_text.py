"""JTL files as JMeter writes them."""

HEADER = [
    *(
        "timeStamp",
        "elapsed",
        "label",
        "responseCode",
        "responseMessage",
        "threadName",
        "dataType",
        "success",
    ),
    *(
        "failureMessage",
        "bytes",
        "sentBytes",
        "grpThreads",
        "allThreads",
        "URL",
        "Latency",
        "IdleTime",
        "Connect",
    ),
]
START = 1_795_443_992_000


def jtl(*rows: dict[str, object], header: list[str] = HEADER) -> bytes:
    names: dict[str, object] = dict(zip(header, header, strict=True))
    return b"".join(line(fields, header) for fields in (names, *rows))


def line(fields: dict[str, object], header: list[str] = HEADER) -> bytes:
    return (",".join(_quoted(str(fields.get(name, ""))) for name in header) + "\n").encode()


def row(
    start: int = 0, elapsed: int = 10, label: str = "GET /", *, success: bool = True, **more: object
) -> dict[str, object]:
    """`start`: milliseconds after START."""
    return {
        "timeStamp": START + start,
        "elapsed": elapsed,
        "label": label,
        "responseCode": 200 if success else 500,
        "responseMessage": "OK",
        "threadName": "Visitors 1-1",
        "dataType": "text",
        "success": str(success).lower(),
        "URL": "http://front-end/",
        **more,
    }


def _quoted(text: str) -> str:
    """JMeter quotes what holds a delimiter, a quote, CR or LF."""
    return '"' + text.replace('"', '""') + '"' if set(text) & set(',"\r\n') else text
