"""One pass over a quota policy: ask, write the status if it is another one, tell what changed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from devperfops_operator.api.quota_status import KIND, StoredQuotaPolicy
from devperfops_operator.controller.configs import Configs
from devperfops_operator.controller.keys import Key
from devperfops_operator.controller.narrate import Narrator
from devperfops_operator.controller.outbox import Outbox
from devperfops_operator.controller.quotas import QuotaReader
from devperfops_operator.controller.statuses import Statuses
from devperfops_operator.controller.store import Store
from devperfops_operator.domain.manifests.event import policy_events
from devperfops_operator.domain.quota.alerting import Alerting, alerted, errand
from devperfops_operator.domain.quota.answer import Checked
from devperfops_operator.domain.quota.consumption import Consumed
from devperfops_operator.domain.quota.kept import Stored, config_map_of
from devperfops_operator.domain.quota.standing import look_again, policy_status
from devperfops_operator.domain.run.consuming import asks, newest_consumed

_TELL_AGAIN: Final = timedelta(seconds=10)


class PolicyReconciler:
    """Level-based, as that of gates and runs. Nobody waits for it: a gate asks by itself."""

    def __init__(
        self,
        *,
        store: Store,
        configs: Configs,
        quotas: QuotaReader,
        statuses: Statuses,
        narrator: Narrator,
        outbox: Outbox,
        receivers: Sequence[str],
    ) -> None:
        self._store = store
        self._configs = configs
        self._quotas = quotas
        self._statuses = statuses
        self._narrator = narrator
        self._outbox = outbox
        self._receivers = receivers

    async def reconcile(self, key: Key) -> datetime | None:
        """When to look again in any case. Raises what stopped the pass: it is to be tried again."""
        policy = self._store.policies.get(key.namespace, key.name)
        if policy is None:
            self._narrator.forget(key)
            self._outbox.forget(key)
            return None
        self._narrator.assume_told(key, policy_events(policy, datetime.now(UTC)))
        checked = await self._checked(policy)
        now = datetime.now(UTC)
        deliveries = self._outbox.of(key, errand(policy))
        status = policy_status(policy, checked, now)
        alerting = alerted(policy, status, self._receivers, deliveries, now)
        await self._statuses.persist(KIND, policy, alerting.status)
        current = policy.model_copy(update={"status": alerting.status})
        self._alert(key, current, alerting)
        told = await self._narrator.tell(key, policy_events(current, now))
        again = min(filter(None, (look_again(checked, now), alerting.requeue_at)))
        return again if told else min(again, now + _TELL_AGAIN)

    def _alert(self, key: Key, policy: StoredQuotaPolicy, alerting: Alerting) -> None:
        """Beside the checks: a slow Slack holds up none."""
        if not alerting.effects and alerting.requeue_at is None:
            self._outbox.forget(key)
        for effect in alerting.effects:
            self._outbox.start(key, errand(policy), effect)

    async def _checked(self, policy: StoredQuotaPolicy) -> Checked:
        namespace = policy.metadata.namespace
        stored = Stored(policy.metadata.name, policy.spec)
        config_map = config_map_of(stored)
        if config_map is not None:
            self._configs.version(namespace, config_map)  # from now on its changes are heard
        waivers = self._store.waivers.within(namespace)
        return await self._quotas.of_policy(
            namespace, stored, waivers, self._consumed(namespace, stored.name)
        )

    def _consumed(self, namespace: str, policy: str) -> Consumed:
        """By the newest run of a gate that asks this policy."""
        gates = [each for each in self._store.gates.within(namespace) if asks(each.spec, policy)]
        runs = (run for gate in gates for run in self._store.runs.owned(namespace, gate.metadata.name))
        return newest_consumed(runs)
