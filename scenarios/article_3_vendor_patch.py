"""Row 3: the vendor's patch for CVE-2017-7494.

The article took everything from the official repository of SLES 11 and found this the right answer:
access stays for everybody. SUSE's packages are not to be had here, so Debian's stand for them: a Samba is
upgraded from its release packages to its security packages and restarted, and the smbd that runs
afterwards must be the new one.
"""

from harness.model import Effect
from harness.scenario import Claim, Scenario

SCENARIO = Scenario(
    source="the article, row 3",
    servers=["sles11-like"],
    mitigations=["vendor-patch"],
    clients=["windows-10-1703", "windows-7", "windows-xp", "curl"],
    claims=[Claim("vendor-patch", said=Effect.KEPT)],
)
