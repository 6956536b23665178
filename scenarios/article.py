"""The whole article of July 2017, on real servers.

An engineer with Windows 10, 7 and XP clients and a SLES 11 Samba server tried each mitigation on live
systems and wrote down who lost access. These are his seven rows, each with his claim as the expectation;
where the measurement differs, the report says so and why.
"""

from harness.scenario import Scenario

SCENARIO = Scenario(
    includes=[
        "article-1-smb1-removed",
        "article-2-nt-pipe-support",
        "article-3-vendor-patch",
        "article-4-consumer-nas",
        "article-5-stage-1-stop",
        "article-6-stage-2-patch",
        "article-7-stage-3-smb3",
    ],
)
