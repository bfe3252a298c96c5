"""Values without a domain: money, quantity, ids, time, phone numbers, errors, pages. No input or output happens here."""
