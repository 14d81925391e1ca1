"""From an OpenAPI document to a plan of requests that depend on each other, and from it to a JMX. Pure."""
