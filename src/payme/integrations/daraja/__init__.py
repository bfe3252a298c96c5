"""Safaricom's M-Pesa API: requests in its words, answers classed as done, refused or unknown by their content.

Whole shillings only; a call that moves money is never repeated here.
"""
