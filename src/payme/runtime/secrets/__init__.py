"""Where secret values come from: environment, files, AWS Secrets Manager, behind one port.

Values are handed to settings and never logged.
"""
