"""Whether what a load test was granted is granted to the real users too."""
