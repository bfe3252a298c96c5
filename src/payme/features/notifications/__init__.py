"""What people are told, by which channel and when: in-app, SMS, e-mail, web push.

Switches, quiet hours, texts and delivery reports live here. The channels' clients are in `integrations`.
"""
