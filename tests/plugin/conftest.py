"""The repository of a user is collected by the pytest that its tests start, not by ours."""

from __future__ import annotations

collect_ignore = ["sample_repo"]
