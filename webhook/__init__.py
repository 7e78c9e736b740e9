"""The admission webhook: the AdmissionReview comes in, a patch goes out, and this is the server in between."""
