"""What a machine is for: infer, dream, imagine, complete, classify."""

from photinus.tasks.inference import Posterior as Posterior
from photinus.tasks.inference import infer as infer
from photinus.tasks.results import Classification as Classification
from photinus.tasks.results import Completion as Completion
from photinus.tasks.results import Dream as Dream
from photinus.tasks.tasks import classify as classify
from photinus.tasks.tasks import complete as complete
from photinus.tasks.tasks import dream as dream
from photinus.tasks.tasks import imagine as imagine
from photinus.tasks.tasks import mask as mask
