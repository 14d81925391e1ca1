"""A plan as JMeter 5.6.3 reads and shows it."""

from devperfops_operator.scenario.jmx.write import jmx

__all__ = ["jmx"]
