"""What scenario files import. It stays here whatever moves inside."""

from harness.planning.scenario import Claim, Closes, Scenario

__all__ = ["Claim", "Closes", "Scenario"]
