"""One admission, from the request to the answer. It knows neither HTTP nor gunicorn."""
