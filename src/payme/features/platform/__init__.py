"""The console of whoever runs the deployment: businesses, token packages, providers' health, break-glass access.

Platform staff act here, always audited. The platform's own business is an ordinary tenant.
"""
