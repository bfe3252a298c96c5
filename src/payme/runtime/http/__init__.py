"""The HTTP edge: application factory, idempotency, problem documents, rate limits, headers, streams.

The only room that knows status codes. Routes belong to the `endpoints` of a feature.
"""
