"""What there is to rehearse: made once, where a program of ours begins, and handed to all that works with it.

The command line makes it (``made_of``) and hands it to the planner, to the processes of the lab and to the
reports; whoever has none has not been handed one. Nothing below asks the rooms themselves.
"""

from harness.catalogue.catalogue import Catalogue as Catalogue
from harness.catalogue.catalogue import made_of as made_of
from harness.catalogue.sources import Kind as Kind
from harness.catalogue.sources import Origin as Origin
from harness.catalogue.sources import Source as Source
