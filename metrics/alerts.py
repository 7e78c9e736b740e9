"""Every alert, in PromQL. `docs/metrics.md` lists them, `docs/runbook.md` has a section for each.

Where Keyhole cannot speak for itself, because it is not asked or not there, they use the API server's own metrics.
"""

from typing import Final

from metrics.alerting.compliance import OF_COMPLIANCE
from metrics.alerting.service import OF_THE_SERVICE
from metrics.alerting.values import OF_VALUES

ALERTS: Final = (*OF_THE_SERVICE, *OF_VALUES, *OF_COMPLIANCE)
