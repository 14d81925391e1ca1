"""The timer of a load whose rate changes."""

from __future__ import annotations

from typing import Final

ARRIVALS: Final = """\
// Parameters: "0:3000 60000:9000 90000:0", milliseconds from the first sample and samples a minute then.
// Each call takes the next arrival, whether answers have come or not. A hundred at a time are spread by
// chance over the time they are due in, so that counts are kept and gaps are those of independent users.
synchronized (props) {
  def plan = props.get('devperfops.arrivals')
  if (plan == null) {
    def pieces = Parameters.trim().split(/\\s+/).collect { it.split(':') }
    plan = [at: pieces.collect { it[0] as double }, rate: pieces.collect { (it[1] as double) / 60000 },
            begin: System.currentTimeMillis() + 5000, random: new Random(),  // its classes are loaded by then
            batch: [], through: 0d, done: 0d, piece: 0, moment: 0d]
    props.put('devperfops.arrivals', plan)
  }
  if (plan.batch.isEmpty()) {
    plan.batch = (1..100).collect { plan.through + 100 * plan.random.nextDouble() }.sort()
    plan.through += 100
  }
  double left = plan.batch.remove(0) - plan.done
  plan.done += left
  while (plan.piece + 1 < plan.at.size() &&
         left >= plan.rate[plan.piece] * (plan.at[plan.piece + 1] - plan.moment)) {
    left -= plan.rate[plan.piece] * (plan.at[plan.piece + 1] - plan.moment)
    plan.moment = plan.at[++plan.piece]
  }
  if (plan.rate[plan.piece] == 0) {  // nothing more is due
    ctx.getThread().stop()
    return 0L
  }
  plan.moment += left / plan.rate[plan.piece]
  return Math.max(0L, ((plan.begin + plan.moment) as long) - System.currentTimeMillis())
}
"""
"""Groovy, whose compiled form JMeter keeps: it has no variable of JMeter in it."""
