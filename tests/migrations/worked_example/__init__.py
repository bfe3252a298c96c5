"""The worked example of the guide: a plain phone column becomes encrypted, with a blind index, in five steps.

No table of PayMe keeps a phone number in plain text, so the example has one of its own, `guests`, in a copy of the schema.
"""
