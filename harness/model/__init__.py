"""The nouns of a rehearsal as frozen dataclasses and enums. No I/O happens here.

mitigation x server x client x check = cell; each cell is attempted in three phases, each attempt
is a list of protocol steps, and from the phases follows the effect.

One idea a module; all others take the nouns from here.
"""

# The checks and their steps have a room of their own; they are used from here.
from harness.checks import BY_NAMES as BY_NAMES
from harness.checks import DATA_LOST as DATA_LOST
from harness.checks import FROM_NOW_ON as FROM_NOW_ON
from harness.checks import OVER_PHASES as OVER_PHASES
from harness.checks import Check as Check
from harness.checks import StepName as StepName
from harness.model.attempts import CLOSED as CLOSED
from harness.model.attempts import GAVE_UP as GAVE_UP
from harness.model.attempts import NO_ANSWER as NO_ANSWER
from harness.model.attempts import NO_DIALECT as NO_DIALECT
from harness.model.attempts import RESET as RESET
from harness.model.attempts import STATUS_OK as STATUS_OK
from harness.model.attempts import TIMEOUT as TIMEOUT
from harness.model.attempts import UNRELIABLE as UNRELIABLE
from harness.model.attempts import Attempt as Attempt
from harness.model.attempts import Copied as Copied
from harness.model.attempts import Fate as Fate
from harness.model.attempts import Identity as Identity
from harness.model.attempts import Stayed as Stayed
from harness.model.attempts import Step as Step
from harness.model.cells import CellId as CellId
from harness.model.cells import Row as Row
from harness.model.dialects import Dialect as Dialect
from harness.model.findings import Evidence as Evidence
from harness.model.findings import Finding as Finding
from harness.model.findings import Hole as Hole
from harness.model.findings import Sighting as Sighting
from harness.model.kinds import EVERY_LAB as EVERY_LAB
from harness.model.kinds import Fidelity as Fidelity
from harness.model.kinds import Tier as Tier
from harness.model.phases import Effect as Effect
from harness.model.phases import Outcome as Outcome
from harness.model.phases import Phase as Phase
from harness.model.phases import Side as Side
from harness.model.targets import ClientPolicy as ClientPolicy
from harness.model.targets import Domain as Domain
from harness.model.targets import GuestRoute as GuestRoute
from harness.model.targets import QuicWay as QuicWay
from harness.model.targets import Segment as Segment
from harness.model.targets import Target as Target
