"""The nouns of gradcheck: what a run is, what happened in it, why, and what to change."""

from gradcheck.model.findings import HEALTHY as HEALTHY
from gradcheck.model.findings import INCONCLUSIVE as INCONCLUSIVE
from gradcheck.model.findings import Diagnosis as Diagnosis
from gradcheck.model.findings import Event as Event
from gradcheck.model.findings import Evidence as Evidence
from gradcheck.model.findings import Family as Family
from gradcheck.model.findings import Kind as Kind
from gradcheck.model.findings import Missing as Missing
from gradcheck.model.findings import Rejection as Rejection
from gradcheck.model.findings import Remedy as Remedy
from gradcheck.model.findings import Report as Report
from gradcheck.model.findings import RunReport as RunReport
from gradcheck.model.findings import Severity as Severity
from gradcheck.model.findings import Trial as Trial
from gradcheck.model.findings import Unread as Unread
from gradcheck.model.inside import Observation as Observation
from gradcheck.model.inside import Where as Where
from gradcheck.model.logs import FloatArray as FloatArray
from gradcheck.model.logs import IntArray as IntArray
from gradcheck.model.logs import Lost as Lost
from gradcheck.model.logs import Message as Message
from gradcheck.model.logs import Objective as Objective
from gradcheck.model.logs import Role as Role
from gradcheck.model.logs import Run as Run
from gradcheck.model.logs import Said as Said
from gradcheck.model.logs import Series as Series
