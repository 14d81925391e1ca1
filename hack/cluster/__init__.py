"""The local one-node Kubernetes the demo and the tests run on."""
