"""A load model from everyday monitoring: whose metrics, which endpoints, how busy, when."""
