"""The one table from reason to verdict, and the order in which reasons are looked for.

Error before load > latched Fail > Error under load > whatever makes the run Inconclusive > Pass.
No data never passes. A Fail whose measurements are not the target's is none (`domain/validity.py`).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from devperfops_operator.api.perfrun import Verdict


class Reason(StrEnum):
    """Why a run ended as it did. The order is the precedence."""

    # could not be tested
    TARGET_NOT_FOUND = "TargetNotFound"
    INVALID_SPEC = "InvalidSpec"
    PLAN_NOT_FOUND = "PlanNotFound"
    PLAN_INVALID = "PlanInvalid"
    SLA_CONTRADICTED = "SLAContradicted"
    SLA_UNKNOWN = "SLAUnknown"
    SLO_NOT_FOUND = "SLONotFound"
    SLO_INVALID = "SLOInvalid"
    PROFILE_NOT_FOUND = "ProfileNotFound"
    PROFILE_INVALID = "ProfileInvalid"
    PROFILE_DOUBTED = "ProfileDoubted"
    DATA_NOT_FOUND = "DataNotFound"
    DATA_INVALID = "DataInvalid"
    SECRET_NOT_FOUND = "SecretNotFound"  # noqa: S105  a reason
    SECRET_INVALID = "SecretInvalid"  # noqa: S105  a reason
    PLUGINS_NOT_FOUND = "PluginsNotFound"
    SERVICE_NOT_FOUND = "ServiceNotFound"
    SERVICE_PORT_UNKNOWN = "ServicePortUnknown"
    PROMETHEUS_UNKNOWN = "PrometheusUnknown"
    PRIMARY_NOT_FOUND = "PrimaryNotFound"
    PRIMARY_UNFIT = "PrimaryUnfit"
    PRIMARY_TAKEN = "PrimaryTaken"
    SNAPSHOT_REFUSED = "SnapshotRefused"
    QUOTA_UNKNOWN = "QuotaUnknown"
    DATA_RESET_FAILED = "DataResetFailed"
    JOB_REFUSED = "JobRefused"
    START_TIMEOUT = "StartTimeout"
    # tested and found wanting
    REVISION_REJECTED = "RevisionRejected"
    ROLLOUT_STALLED = "RolloutStalled"
    OBJECTIVE_FAILED = "ObjectiveFailed"
    UNRESPONSIVE = "Unresponsive"
    # under load, but it cannot be judged; what failed until then stands
    AMBIGUOUS_QUERY = "AmbiguousQuery"
    HISTOGRAM_EDGE_MISSING = "HistogramEdgeMissing"
    # tested, but the test itself was not valid or not enough
    WRONG_HOST = "WrongHost"
    TARGET_GONE = "TargetGone"
    TARGET_UNSEEN = "TargetUnseen"
    WRONG_REVISION = "WrongRevision"
    TARGET_RESTARTED = "TargetRestarted"
    TARGET_SCALED_IN = "TargetScaledIn"
    DISK_FULL = "DiskFull"
    CLOCK_STEPPED = "ClockStepped"
    EVIDENCE_LOST = "EvidenceLost"
    JMETER_DIED = "JMeterDied"
    JTL_TRUNCATED = "JTLTruncated"
    COVERAGE_UNKNOWN = "CoverageUnknown"
    COVERAGE_TOO_LOW = "CoverageTooLow"
    NO_SAMPLES = "NoSamples"
    ALL_FAILED = "AllFailed"
    START_SKEW = "StartSkew"
    BASELINE_UNUSABLE = "BaselineUnusable"
    GENERATOR_STARVED = "GeneratorStarved"
    THREADS_BUSY = "ThreadsBusy"
    RATE_NOT_REACHED = "RateNotReached"
    ENDED_EARLY = "EndedEarly"
    OVERRAN = "Overran"
    PROMETHEUS_UNAVAILABLE = "PrometheusUnavailable"
    NOT_A_NUMBER = "NotANumber"
    GOOD_EXCEEDS_TOTAL = "GoodExceedsTotal"
    UNANSWERED = "Unanswered"
    NOT_ENOUGH_EVIDENCE = "NotEnoughEvidence"
    DRIFTING = "Drifting"
    # held everything, and must not be promoted
    QUOTA_REGRESSION = "QuotaRegression"
    # held everything
    OBJECTIVES_MET = "ObjectivesMet"


VERDICTS: Final[dict[Reason, Verdict]] = {
    Reason.TARGET_NOT_FOUND: Verdict.ERROR,
    Reason.INVALID_SPEC: Verdict.ERROR,
    Reason.PLAN_NOT_FOUND: Verdict.ERROR,
    Reason.PLAN_INVALID: Verdict.ERROR,
    Reason.SLA_CONTRADICTED: Verdict.ERROR,
    Reason.SLA_UNKNOWN: Verdict.ERROR,
    Reason.SLO_NOT_FOUND: Verdict.ERROR,
    Reason.SLO_INVALID: Verdict.ERROR,
    Reason.PROFILE_NOT_FOUND: Verdict.ERROR,
    Reason.PROFILE_INVALID: Verdict.ERROR,
    Reason.PROFILE_DOUBTED: Verdict.ERROR,
    Reason.DATA_NOT_FOUND: Verdict.ERROR,
    Reason.DATA_INVALID: Verdict.ERROR,
    Reason.SECRET_NOT_FOUND: Verdict.ERROR,
    Reason.SECRET_INVALID: Verdict.ERROR,
    Reason.PLUGINS_NOT_FOUND: Verdict.ERROR,
    Reason.SERVICE_NOT_FOUND: Verdict.ERROR,
    Reason.SERVICE_PORT_UNKNOWN: Verdict.ERROR,
    Reason.PROMETHEUS_UNKNOWN: Verdict.ERROR,
    Reason.PRIMARY_NOT_FOUND: Verdict.ERROR,
    Reason.PRIMARY_UNFIT: Verdict.ERROR,
    Reason.PRIMARY_TAKEN: Verdict.ERROR,
    Reason.SNAPSHOT_REFUSED: Verdict.ERROR,
    Reason.QUOTA_UNKNOWN: Verdict.ERROR,
    Reason.DATA_RESET_FAILED: Verdict.ERROR,
    Reason.JOB_REFUSED: Verdict.ERROR,
    Reason.START_TIMEOUT: Verdict.ERROR,
    Reason.REVISION_REJECTED: Verdict.FAIL,
    Reason.ROLLOUT_STALLED: Verdict.FAIL,
    Reason.OBJECTIVE_FAILED: Verdict.FAIL,
    Reason.UNRESPONSIVE: Verdict.FAIL,
    Reason.AMBIGUOUS_QUERY: Verdict.ERROR,
    Reason.HISTOGRAM_EDGE_MISSING: Verdict.ERROR,
    Reason.WRONG_HOST: Verdict.INCONCLUSIVE,
    Reason.TARGET_GONE: Verdict.INCONCLUSIVE,
    Reason.TARGET_UNSEEN: Verdict.INCONCLUSIVE,
    Reason.WRONG_REVISION: Verdict.INCONCLUSIVE,
    Reason.TARGET_RESTARTED: Verdict.INCONCLUSIVE,
    Reason.TARGET_SCALED_IN: Verdict.INCONCLUSIVE,
    Reason.DISK_FULL: Verdict.INCONCLUSIVE,
    Reason.CLOCK_STEPPED: Verdict.INCONCLUSIVE,
    Reason.EVIDENCE_LOST: Verdict.INCONCLUSIVE,
    Reason.JMETER_DIED: Verdict.INCONCLUSIVE,
    Reason.JTL_TRUNCATED: Verdict.INCONCLUSIVE,
    Reason.COVERAGE_UNKNOWN: Verdict.INCONCLUSIVE,
    Reason.COVERAGE_TOO_LOW: Verdict.INCONCLUSIVE,
    Reason.NO_SAMPLES: Verdict.INCONCLUSIVE,
    Reason.ALL_FAILED: Verdict.INCONCLUSIVE,
    Reason.START_SKEW: Verdict.INCONCLUSIVE,
    Reason.BASELINE_UNUSABLE: Verdict.INCONCLUSIVE,
    Reason.GENERATOR_STARVED: Verdict.INCONCLUSIVE,
    Reason.THREADS_BUSY: Verdict.INCONCLUSIVE,
    Reason.RATE_NOT_REACHED: Verdict.INCONCLUSIVE,
    Reason.ENDED_EARLY: Verdict.INCONCLUSIVE,
    Reason.OVERRAN: Verdict.INCONCLUSIVE,
    Reason.PROMETHEUS_UNAVAILABLE: Verdict.INCONCLUSIVE,
    Reason.NOT_A_NUMBER: Verdict.INCONCLUSIVE,
    Reason.GOOD_EXCEEDS_TOTAL: Verdict.INCONCLUSIVE,
    Reason.UNANSWERED: Verdict.INCONCLUSIVE,
    Reason.NOT_ENOUGH_EVIDENCE: Verdict.INCONCLUSIVE,
    Reason.DRIFTING: Verdict.INCONCLUSIVE,
    Reason.QUOTA_REGRESSION: Verdict.INCONCLUSIVE,
    Reason.OBJECTIVES_MET: Verdict.PASS,
}
"""Every reason's verdict."""


UNSPOILT: Final = frozenset(
    {Reason.OBJECTIVES_MET, Reason.QUOTA_REGRESSION, Reason.NOT_ENOUGH_EVIDENCE, Reason.DRIFTING}
)
"""Of valid tests of a target that was not found wanting: they show how it usually is."""


def precedence(reason: Reason) -> int:
    """The smaller goes first when several reasons apply."""
    return list(Reason).index(reason)
