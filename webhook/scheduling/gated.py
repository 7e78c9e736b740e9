"""Admissions of which no more are worked on than the gate lets through."""

from resolver.deadline import Deadline
from webhook.http.admission_review import AdmissionRequest, Answer
from webhook.http.app import Admits
from webhook.scheduling.gate import Gate, OverloadedError, overloaded


class GatedAdmission:
    """Answers as another does, of whom it keeps off more than the gate lets through."""

    def __init__(self, admission: Admits, gate: Gate) -> None:
        self._admission = admission
        self._gate = gate

    def answer(self, request: AdmissionRequest, deadline: Deadline) -> Answer:
        """Return the answer to a request, within the deadline. Never raises."""
        try:
            with self._gate.place(request.namespace, deadline):
                return self._admission.answer(request, deadline)
        except OverloadedError as error:
            return overloaded(request.described, error)
